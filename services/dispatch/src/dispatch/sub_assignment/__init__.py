"""内部转办: a unit passes a ticket on inside and stays answerable (双鸭山 第九条)."""

"""情况说明: why a unit cannot satisfy a demand, after the callback (双鸭山 第二十二条)."""

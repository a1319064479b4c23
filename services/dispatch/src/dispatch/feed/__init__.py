"""单位推送: every unit's own numbered feed of its tickets' events (双鸭山 第二十九条)."""

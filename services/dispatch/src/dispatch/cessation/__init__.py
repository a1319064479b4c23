"""停止办理: when a unit may stop, and what it owes (双鸭山 第二十三条)."""

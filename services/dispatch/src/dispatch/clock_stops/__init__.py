"""中止计时、恢复计时: the clocks stand still while something is waited for that the pack names."""

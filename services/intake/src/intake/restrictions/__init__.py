"""限制使用: a caller who abuses the line does without the telephone for a time (双鸭山 第三十五条)."""

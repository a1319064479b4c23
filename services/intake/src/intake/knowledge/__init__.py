"""知识库: what it is owed when a policy takes effect (双鸭山 第二十五条)."""

"""``hotline demo``: the real cases of ``examples/``, driven through a suite of its own over HTTP."""

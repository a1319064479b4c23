"""What if: recorded behaviour held fixed, every verdict judged again under another pack.

The services' own rules judge: sla's for limits, review's for returns and extensions. Nothing of them is repeated here.
"""

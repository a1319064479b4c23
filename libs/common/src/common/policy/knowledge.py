"""What the knowledge base is owed when a policy takes effect (双鸭山 第二十五条)."""

from common.policy.ruled import Entry, Part, Register


class PolicyLevel(Entry):
    """Whose policy it is: 国家、省、市."""


class Knowledge(Part):
    """新发布的法规政策: entered by the unit that leads its carrying out, within 'knowledge_update' of the limits."""

    levels: Register[PolicyLevel]

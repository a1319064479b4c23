"""What a decision rests on: the rule, and the words of the document that made it."""

from pydantic import BaseModel, ConfigDict


class Basis(BaseModel):
    """A clause that a clerk can quote to a citizen or a unit.

    ``quote`` holds the few decisive words of the document. Where the document is silent, ``assumption`` says what was
    assumed and why; an assumption is never quoted as a clause.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    document: str | None = None
    article: str | None = None
    quote: str | None = None
    assumption: str | None = None

"""The caller of a request, for a route's signature: ``caller: Caller``."""

from typing import Annotated

from fastapi import Depends, Request

from common.security.access import Principal
from common.security.refusals import Unauthenticated
from common.security.tokens import TokenVerifier


async def authenticated(request: Request) -> Principal:
    """The principal of the one bearer token; ``app.state.verifier`` is the ``TokenVerifier``."""
    sent = request.headers.getlist("authorization")
    if len(sent) != 1:
        raise Unauthenticated("no token, or several")
    scheme, _, token = sent[0].partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("not a bearer token")
    verifier = request.app.state.verifier
    assert isinstance(verifier, TokenVerifier)
    principal = await verifier.verify(token.strip())
    request.state.role = principal.role
    return principal


Caller = Annotated[Principal, Depends(authenticated)]

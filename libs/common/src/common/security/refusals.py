"""The refusals of this package: the web edge turns them into answers by these attributes alone."""

from typing import ClassVar

from common.basis import Basis


class AccessRefused(Exception):
    """A request that will not be carried out because of who asks.

    ``code`` is stable, ``title`` and ``detail`` are what an official reads and hold nothing personal.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    detail: ClassVar[str]
    basis: tuple[Basis, ...]

    def __init__(self, note: str = "", *, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(note or self.code)
        self.basis = basis


class Unauthenticated(AccessRefused):
    """No token, or one that does not hold. Never says which check failed: that would help a forger."""

    status = 401
    code = "unauthenticated"
    title = "未认证"
    detail = "访问令牌缺失、无效或者已过期。"


class Forbidden(AccessRefused):
    """This role can never do this."""

    status = 403
    code = "forbidden"
    title = "无权操作"
    detail = "当前角色无权进行此项操作。"


class NotVisible(AccessRefused):
    """The object is somebody else's: the answer is the same as if it did not exist."""

    status = 404
    code = "not_found"
    title = "未找到"
    detail = "所请求的对象不存在。"


class OwnUnit(AccessRefused):
    """A ruling on one's own unit's filing."""

    status = 403
    code = "own_unit"
    title = "应当回避"
    detail = "审核人员不得审核本单位提交的事项。"

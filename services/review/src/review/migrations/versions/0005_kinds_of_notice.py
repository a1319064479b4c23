"""What a notice is: of criticism, a prompt, a talk (双鸭山 第三十一条)."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OWN = (
    "alter table finding add column kind text",
    "comment on column finding.kind is 'of a notice, once somebody chose it'",
    # Until now every notice was one of criticism.
    "update finding set kind = 'criticism' where state = 'issued'",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _OWN:
        op.execute(statement)

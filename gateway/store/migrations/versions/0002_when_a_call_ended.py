"""when a call ended"""

import sqlalchemy as sa
from alembic import op

from gateway.store.tables import Instant

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('calls', sa.Column('ended_at', Instant(), nullable=True))

"""when an alarm was seen"""

import sqlalchemy as sa
from alembic import op

from gateway.store.tables import Instant

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('alarms', sa.Column('seen_at', Instant(), nullable=True))
    op.create_index('ix_alarms_seen_at', 'alarms', ['seen_at'])

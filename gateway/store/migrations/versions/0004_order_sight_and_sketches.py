"""order of work, sight, sketches and presence"""

import sqlalchemy as sa
from alembic import op

from gateway.store.tables import Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOTHING_SAID = "[0,0,0,0,0,false,0,false,0]"  # the sketch of a report from before there were any


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("away", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("given_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("login", name=op.f("pk_presence")),
    )
    with op.batch_alter_table("traces", schema=None) as batch_op:
        batch_op.drop_index("ix_traces_customer_at")
        batch_op.add_column(sa.Column("machine", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("sketch", Json(), server_default=NOTHING_SAID, nullable=False))
    op.create_index(
        "ix_traces_customer_at",
        "traces",
        ["customer", "at"],
        sqlite_where=sa.text("machine IS 0"),
        postgresql_where=sa.text("machine IS false"),
    )
    op.add_column("calls", sa.Column("seen_at", Instant(), nullable=True))
    op.create_index(
        "ix_calls_up",
        "calls",
        ["at"],
        sqlite_where=sa.text("status = 'in-progress'"),
        postgresql_where=sa.text("status = 'in-progress'"),
    )
    op.add_column("jobs", sa.Column("urgency", sa.SmallInteger(), server_default="3", nullable=False))
    op.create_index("ix_jobs_urgency_run_at", "jobs", ["urgency", "run_at", "id"])
    op.add_column("pin_tries", sa.Column("pin", sa.BigInteger(), nullable=True))
    op.add_column("tickets", sa.Column("work_order", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("restricted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tickets", sa.Column("product", sa.Text(), nullable=True))
    op.create_index(
        "ix_tickets_restricted",
        "tickets",
        ["id"],
        sqlite_where=sa.text("restricted IS 1"),
        postgresql_where=sa.text("restricted IS true"),
    )
    op.create_index("ix_tickets_state_work_order", "tickets", ["state", "work_order"])

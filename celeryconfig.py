"""How Celery works here: plain data, importing nothing of ours.

Celery carries wake-ups, never the work itself: a task claims due rows from the
database, so a lost or repeated message does no harm. The broker's address comes
from the settings (``tasks/app.py``). There are no ETAs and countdowns: on Redis
one beyond the visibility timeout runs again and again.
"""

from __future__ import annotations

from kombu import Queue

# --- queues ---------------------------------------------------------------------

# The urgent worker serves these alone: a code never waits behind a mass mailing. The sweep is among
# them, since it is what finds a code whose wake-up was lost.
URGENT_QUEUES = ("sms.urgent", "voice.urgent", "email.urgent", "transactions", "sweep")
GENERAL_QUEUES = (
    "sms.normal",
    "sms.bulk",
    "voice.normal",
    "voice.bulk",
    "email.normal",
    "email.bulk",
    "simulated",
    "broadcasts",
    "reminders",
    "receipts",
    "webhooks",
    "housekeeping",
)

task_queues = [Queue(name) for name in (*URGENT_QUEUES, *GENERAL_QUEUES)]
task_default_queue = "housekeeping"
task_create_missing_queues = False  # a misspelt lane is an error, not a queue nobody reads

# Delivery tasks are sent to the queue named after their lane by whoever wakes it; what test keys asked
# for has one queue for all channels: it is played and calls nobody.
task_routes = {
    "tasks.delivery.simulate": {"queue": "simulated"},
    "tasks.transactions.*": {"queue": "transactions"},
    "tasks.receipts.*": {"queue": "receipts"},
    "tasks.broadcasts.*": {"queue": "broadcasts"},
    "tasks.reminders.*": {"queue": "reminders"},
    "tasks.webhooks.*": {"queue": "webhooks"},
    "tasks.housekeeping.sweep": {"queue": "sweep"},
    "tasks.housekeeping.*": {"queue": "housekeeping"},
}

# --- messages -------------------------------------------------------------------

task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True  # and with the broker down a publish fails at once instead of after 19 s
task_acks_late = True
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1
timezone = "UTC"
enable_utc = True

# --- a broker that is slow, away or back again --------------------------------------

# Publishing gives up within a second: the row is committed and the sweep finds it.
task_publish_retry = True
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
broker_connection_timeout = 2
broker_transport_options = {
    "visibility_timeout": 120,  # seconds; a task that runs longer runs twice, which is harmless
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,  # every sweep counts: by default only each tenth does
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
# A worker, unlike a publisher, waits for its broker as long as it takes.
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
worker_cancel_long_running_tasks_on_connection_loss = False  # their rows are leased: let them finish

# --- workers --------------------------------------------------------------------

worker_hijack_root_logger = False  # gateway.logs masks what libraries write
worker_redirect_stdouts = False
worker_soft_shutdown_timeout = 6.0  # seconds; below the supervisor's grace of 10
worker_enable_remote_control = False  # its mailbox costs a connection and fan-out per worker
worker_send_task_events = False
worker_detect_quorum_queues = False  # that is RabbitMQ's
broker_heartbeat = 0  # that is AMQP's

# --- beat -----------------------------------------------------------------------

# A few ticks, and nothing to remember between runs: no schedule file to be torn by a kill.
beat_scheduler = "celery.beat:Scheduler"
beat_max_loop_interval = 2  # seconds
beat_schedule = {
    "sweep": {
        "task": "tasks.housekeeping.sweep",
        "schedule": 2.0,  # seconds
        "options": {"queue": "sweep", "expires": 2},
    },
    "shorten": {
        "task": "tasks.housekeeping.shorten",
        "schedule": 5.0,
        "options": {"queue": "housekeeping", "expires": 5},
    },
    "halls": {
        "task": "tasks.housekeeping.halls",
        "schedule": 5.0,
        "options": {"queue": "housekeeping", "expires": 5},
    },
    "collect": {
        "task": "tasks.housekeeping.collect",
        "schedule": 30.0,
        "options": {"queue": "housekeeping", "expires": 30},
    },
    "owed": {
        "task": "tasks.housekeeping.owed",
        "schedule": 30.0,
        "options": {"queue": "housekeeping", "expires": 30},
    },
    "pull": {
        "task": "tasks.housekeeping.pull",
        "schedule": 300.0,
        "options": {"queue": "housekeeping", "expires": 300},
    },
    "match": {
        "task": "tasks.housekeeping.match",
        "schedule": 300.0,
        "options": {"queue": "housekeeping", "expires": 300},
    },
    "barometer": {
        "task": "tasks.housekeeping.barometer",
        "schedule": 300.0,
        "options": {"queue": "housekeeping", "expires": 300},
    },
    "tidy": {
        "task": "tasks.housekeeping.tidy",
        "schedule": 3600.0,
        "options": {"queue": "housekeeping", "expires": 600},
    },
}

"""What gunicorn serves: settings, checked → Runtime → application."""

from celeryconfig import URGENT_QUEUES
from gateway import config, logs, readiness, runtime
from gateway.app import create_app
from gateway.delivery import receipts
from tasks.app import collect_less, publish_only, wake_for
from tasks.spacing import Spaced

logs.configure()
publish_only()
settings = config.load()
readiness.check(settings)
wake = Spaced(wake_for(settings), URGENT_QUEUES, unhurried=(receipts.LANE,))
app = create_app(runtime.build(settings, wake=wake))
collect_less()

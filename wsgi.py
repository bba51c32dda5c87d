"""What gunicorn serves: settings → Runtime → application."""

from gateway import config, logs, runtime
from gateway.app import create_app
from tasks.app import wake_for

logs.configure()
settings = config.load()
app = create_app(runtime.build(settings, wake=wake_for(settings)))

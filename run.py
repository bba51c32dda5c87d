#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""Start Huiyin, or run its checks, on a machine that has nothing but Python.

    python3 run.py [--state DIR] [--port N]     start everything, http://127.0.0.1:12333
    python3 run.py test [--all] [pytest args]   lint, types, import contracts, tests
    python3 run.py demo --json                  play the tour in a fresh city, print one object
    python3 run.py bench --json [--quick]       measure this machine and the product on it
    python3 run.py chaos --json [--minutes N]   hurt the product on purpose, print what it kept
    python3 run.py queues                       what waits where, and whether the books balance
    python3 run.py timeline NUMBER              everything that happened to one matter
    python3 run.py explain NUMBER               why its messages are where they are, and what moves them
    python3 run.py route show | history         who carries what, and what changed when and why
    python3 run.py books                        our books of a day against the providers' own
    python3 run.py dead                         what reached nobody, by cause; and taking it anew
    python3 run.py pause | resume | cancel      hold a lane, provider or broadcast; withdraw messages
    python3 run.py rules show | diff | load     what holds in the city, and since when; another version of it
    python3 run.py doctor                       what is wrong here, and what is worth a look
    python3 run.py retention | tidy             what is kept of people, how long and why; forget what is due
    python3 run.py citizen                      a made-up citizen to play as; export, erase, correct one
    python3 run.py hall | review                close a hall; decide changes of data that wait for a person
    python3 run.py mandate | password | hold    who acts for whom; a query password; what a change holds up
    python3 run.py seed --citizens N            a larger demo city (while it runs)
    python3 run.py services | keys | senders    who may call the API, how much, under which name
    python3 run.py templates list | new | show  texts: write, try, publish, hand in for review
    python3 run.py token                        a bearer token, to try the API with curl
    python3 run.py openapi --out FILE           every call of the API, as an OpenAPI document
    python3 run.py seed --notify-suite          what GOV.UK Notify's clients' own suites look for
    python3 run.py api-key | operator | migrate for whoever installs
    python3 run.py VERB --help                  what a verb takes
    一条命令即可启动：python3 run.py，然后按屏幕提示打开网页。

Options, before or after the verb:
    --state DIR   where this instance keeps its data (default .state)
    --port N      the port of its pages (default 12333; 0 = any free one)

Environment:
    HUIYIN_VENV   where the Python environment is kept (default .venv beside run.py)
    PIP_INDEX_URL, HTTPS_PROXY and pip's other settings, for the first start
    DATABASE_URL, BROKER_URL and providers' keys, see docs/reference (also read from .env)
"""
# Standard library only, and in a syntax that even old Pythons parse: they must get
# as far as saying which Python is needed. Hence type comments and no f-strings.

from __future__ import print_function

import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
LOCK = os.path.join(ROOT, "requirements.lock")
NEEDED = (3, 11)
BAD_USAGE, NO_INDEX, INTERRUPTED = 2, 3, 130

# What would lead our processes to other packages, or pip to another place.
ELSEWHERE = "PYTHONPATH PYTHONHOME PYTHONEXECUTABLE VIRTUAL_ENV __PYVENV_LAUNCHER__ PIP_TARGET PIP_PREFIX "
ELSEWHERE += "PIP_ROOT PIP_USER PIP_PYTHON PIP_REQUIRE_VIRTUALENV"

# Where neither ensurepip nor pip is installed, this one file comes from the package index.
PIP_WHEEL = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
UNREACHABLE = re.compile(r"Retrying \(Retry|[Cc]onnection broken|Max retries|Could not fetch URL|HTTP error")
PIP_ADVICE = "As root: apt install python3-venv. Then run this again."


class Stop(Exception):
    """Nothing more can be done: one line for the person at the terminal, and the exit code."""

    def __init__(self, line, code=1):
        # type: (str, int) -> None
        Exception.__init__(self, line)
        self.code = code


def main(argv):
    # type: (list[str]) -> int
    wrong = unsuitable(sys.version_info[:2], os.name)
    if wrong:
        print(wrong, file=sys.stderr)
        return BAD_USAGE
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return run(argv)
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED


def run(argv):
    # type: (list[str]) -> int
    if argv[:1] == ["test"]:
        become(prepared(place("")), [os.path.join(ROOT, "tests", "checks.py")] + argv[1:])
    state, port, rest = instance_options(argv)
    if rest[:1] in (["--help"], ["-h"], ["help"]):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        print((__doc__ or "").strip())
        return 0
    verb = rest.pop(0) if rest and not rest[0].startswith("-") else "up"
    options = (["--state", state] if state else []) + [verb] + (["--port", port] if port else [])
    become(prepared(place(state)), ["-m", "gateway.cli"] + options + rest)
    return 0


def become(venv, arguments):
    # type: (str, list[str]) -> None
    """Go on as the environment's Python, in the same process: signals reach the product itself."""
    # The working folder stays the caller's, so our modules are found by path and never there.
    found = dict(
        environment(), HUIYIN_COMMAND="python3 run.py", PYTHONPATH=ROOT, PYTHONSAFEPATH="1", PYTHONUTF8="1"
    )
    sys.stdout.flush()
    os.execve(python_of(venv), [python_of(venv)] + arguments, found)


def unsuitable(version, system):
    # type: (tuple[int, ...], str) -> str
    """Say in one line why this Python cannot run Huiyin; nothing when it can."""
    if system != "posix":
        return "Huiyin runs on Linux and macOS; on Windows start it inside WSL."
    if version >= NEEDED:
        return ""
    numbers = "Python %d.%d or newer; this is %d.%d" % (NEEDED + version[:2])
    line = "Huiyin needs %s (%s)." % (numbers, sys.executable)
    for minor in range(NEEDED[1] + 9, NEEDED[1] - 1, -1):
        name = "python3.%d" % minor
        folders = os.environ.get("PATH", "").split(":")
        if any(os.path.exists(os.path.join(folder, name)) for folder in folders):
            return "%s There is a newer one here: %s run.py" % (line, name)
    return line + " Install one, e.g. as root: apt install python3.11 python3.11-venv"


def instance_options(argv):
    # type: (list[str]) -> tuple[str, str, list[str]]
    """Take --state and --port out of the arguments, wherever they stand before a ``--``."""
    found = {"--state": "", "--port": ""}
    rest = list(argv)
    end = rest.index("--") if "--" in rest else len(rest)
    at = 0
    while at < end:
        name, equals, value = rest[at].partition("=")
        if name not in found:
            at += 1
            continue
        if not equals and at + 1 >= end:
            raise Stop("%s needs a value." % name, BAD_USAGE)
        found[name] = value if equals else rest[at + 1]
        taken = 1 if equals else 2
        del rest[at : at + taken]
        end -= taken
    return found["--state"], found["--port"], rest


def interrupt(_signal, _frame):
    # type: (int, object) -> None
    raise KeyboardInterrupt


# --- the environment ------------------------------------------------------------


def place(state):
    # type: (str) -> str
    """Where the environment is or will be: as told, beside run.py, or in the state folder."""
    told = os.environ.get("HUIYIN_VENV")
    if told:
        return os.path.abspath(os.path.expanduser(told))
    beside = os.path.join(ROOT, ".venv")
    if ready(beside) or os.access(beside if os.path.isdir(beside) else ROOT, os.W_OK):
        return beside
    return os.path.join(os.path.abspath(state or os.environ.get("HUIYIN_STATE") or ".state"), "venv")


def python_of(venv):
    # type: (str) -> str
    return os.path.join(venv, "bin", "python")


def stamp():
    # type: () -> str
    """What a finished environment was made from."""
    try:
        with open(LOCK, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
    except OSError:
        raise Stop("requirements.lock is missing beside run.py; take the whole repository.", BAD_USAGE)
    return "%s python %d.%d\n" % (digest, sys.version_info[0], sys.version_info[1])


def ready(venv):
    # type: (str) -> bool
    try:
        with open(os.path.join(venv, "huiyin.stamp")) as file:
            return file.read() == stamp() and os.path.exists(python_of(venv))
    except OSError:
        return False


def prepared(venv):
    # type: (str) -> str
    """Make the environment unless it stands; of several at once, one makes it and the others wait."""
    if ready(venv):
        return venv
    try:
        lock = claim(venv)
        try:
            if not ready(venv):
                make(venv, lock)
        finally:
            os.close(lock)
    except OSError as error:
        reason = "The Python environment cannot be made in %s (%s)." % (venv, error.strerror or error)
        raise Stop(reason + " Name a folder you may write to with HUIYIN_VENV.", BAD_USAGE)
    return venv


def claim(venv):
    # type: (str) -> int
    """Lock the folder; the lock ends with the last process that holds it, pip included."""
    import fcntl

    made(os.path.dirname(venv), 0o700)  # it may be the state folder
    if not made(venv, 0o755) and os.listdir(venv) and not ours(venv):
        raise Stop("%s holds something else; name another folder with HUIYIN_VENV." % venv, BAD_USAGE)
    lock = os.open(os.path.join(venv, "huiyin.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (IOError, OSError):
        say("Another run.py is preparing %s; waiting for it." % venv)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def made(folder, mode):
    # type: (str, int) -> bool
    """Whether the folder had to be made; another run.py may make it at the same moment."""
    if os.path.isdir(folder):
        return False
    try:
        os.makedirs(folder, mode)
    except OSError:
        if not os.path.isdir(folder):
            raise
        return False
    return True


def ours(venv):
    # type: (str) -> bool
    return any(os.path.exists(os.path.join(venv, name)) for name in ("pyvenv.cfg", "huiyin.lock"))


def make(venv, lock):
    # type: (str, int) -> None
    """Fill the folder. The mark stands while it is half made: whoever finds it starts afresh."""
    started = time.time()
    say("Preparing the Python environment in %s (first start only)." % venv)
    mark = os.path.join(venv, "huiyin.unfinished")
    if os.path.exists(mark) or not same_python(venv):
        clear(venv)
    open(mark, "w").close()
    log = os.path.join(venv, "pip.log")
    open(log, "w").close()
    try:
        install(installer(venv), venv, lock)
    except Stop:
        if "Installing collected packages" not in read(log):
            os.remove(mark)  # pip came to nothing, and what was there still is
        raise
    fresh = os.path.join(venv, "huiyin.stamp")
    with open(fresh + ".new", "w") as file:
        file.write(stamp())
    os.rename(fresh + ".new", fresh)
    os.remove(mark)
    say("The environment is ready (%d s)." % (time.time() - started))


def same_python(venv):
    # type: (str) -> bool
    """Whether a working Python of this version is in the folder; its packages are then brought up to date."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return output([python_of(venv), "-I", "-c", code]) == "%d.%d" % sys.version_info[:2]


def clear(venv):
    # type: (str) -> None
    for name in os.listdir(venv):
        path = os.path.join(venv, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif name != "huiyin.lock":
            os.remove(path)


def environment():
    # type: () -> dict[str, str]
    """Return the caller's environment without what would lead our processes astray."""
    clean = dict(os.environ)
    for name in ELSEWHERE.split():
        clean.pop(name, None)
    return clean


def output(command):
    # type: (list[str]) -> str
    """Return what a command prints; nothing if it fails."""
    nothing = subprocess.DEVNULL
    try:
        words = subprocess.check_output(command, env=environment(), stdin=nothing, stderr=nothing)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return words.decode("utf-8", "replace").strip()


# --- pip ------------------------------------------------------------------------


def installer(venv):
    # type: (str) -> list[str]
    """Find a pip that installs into the environment: its own, the system's, or the pinned one."""
    python = python_of(venv)
    if not os.path.exists(python):
        output([sys.executable, "-I", "-m", "venv", venv])
    if has_pip([python, "-m", "pip"]):
        return [python, "-m", "pip"]
    output([sys.executable, "-I", "-m", "venv", "--without-pip", venv])
    if not same_python(venv):
        raise Stop("This Python cannot make an environment (python3 -m venv fails). " + PIP_ADVICE, BAD_USAGE)
    for pip in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        if has_pip(pip + ["--python", python]):
            return pip + ["--python", python]
    for wheel in sorted(glob.glob("/usr/share/python-wheels/pip-*.whl"), reverse=True):
        if has_pip([python, wheel + "/pip"]):
            return [python, wheel + "/pip"]
    return [python, fetched_pip(venv) + "/pip"]


def has_pip(command):
    # type: (list[str]) -> bool
    return output(command + ["--version"]).startswith("pip ")


def fetched_pip(venv):
    # type: (str) -> str
    """Fetch the pinned pip from the package index and check its hash."""
    from urllib.parse import urljoin
    from urllib.request import urlopen

    index = os.environ.get("PIP_INDEX_URL")
    if not index:
        raise Stop("There is no pip here. %s Or name an index in PIP_INDEX_URL." % PIP_ADVICE, BAD_USAGE)
    page = index.rstrip("/") + "/pip/"
    try:
        with urlopen(page, timeout=15) as answer:
            links = re.findall('href="([^"#]*%s)' % re.escape(PIP_WHEEL), answer.read().decode("utf-8"))
        with urlopen(urljoin(page, links[0]), timeout=60) as answer:
            body = answer.read()
    except (OSError, ValueError, IndexError):
        line = "There is no pip here and none could be fetched from %s. Set PIP_INDEX_URL or HTTPS_PROXY. "
        raise Stop(line % page + PIP_ADVICE, NO_INDEX)
    if hashlib.sha256(body).hexdigest() != PIP_SHA256:
        raise Stop("%s from %s is not the file it should be. %s" % (PIP_WHEEL, page, PIP_ADVICE))
    wheel = os.path.join(venv, PIP_WHEEL)
    with open(wheel, "wb") as file:
        file.write(body)
    return wheel


def install(pip, venv, lock):
    # type: (list[str], str, int) -> None
    """Install the locked packages, each checked against its hash; pip's own words go to pip.log."""
    settings = environment()
    if "PIP_TIMEOUT" not in settings:
        settings.setdefault("PIP_DEFAULT_TIMEOUT", "15")
    settings.setdefault("PIP_RETRIES", "3")
    scratch = os.path.join(venv, "tmp")  # what a killed pip leaves goes with the next clear
    if not os.path.isdir(scratch):
        os.mkdir(scratch)
    settings.update(PYTHONUNBUFFERED="1", TMPDIR=scratch)
    command = pip + ["install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    # The lock is whole, and leaves out what only a dependency's own command needs (docopt: no wheel).
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", LOCK]
    follow(command, settings, venv, lock)
    shutil.rmtree(scratch)
    # All cores at once, where pip itself would use one.
    compiler = [python_of(venv), "-I", "-m", "compileall", "-q", "-q", "-j", "0", os.path.join(venv, "lib")]
    follow(compiler, environment(), venv, lock)


def follow(command, settings, venv, lock):
    # type: (list[str], dict[str, str], str, int) -> None
    """Run a command to its end while showing how far things are."""
    log = os.path.join(venv, "pip.log")
    with open(log, "ab") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=settings,
            pass_fds=[lock],
            start_new_session=True,
        )
    watch(process, venv, log)
    if process.returncode and "compileall" not in command:
        raise diagnosis(read(log), log)


def watch(process, venv, log):
    # type: (subprocess.Popen[bytes], str, str) -> None
    """Show how far pip is: one line that changes, or a line every ten seconds where nobody watches."""
    started, told = time.time(), 0.0
    screen = sys.stderr.isatty()
    try:
        while process.poll() is None:
            line = "  %s, %d s" % (progress(read(log), venv), time.time() - started)
            if screen:
                print("\r\033[K" + line, end="", file=sys.stderr)
            elif time.time() - told > 10:
                told = time.time()
                say(line)
            sys.stderr.flush()
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if screen:
            print("\r\033[K", end="", file=sys.stderr)


def progress(words, venv):
    # type: (str, str) -> str
    total = len(re.findall(r"(?m)^[a-z0-9].*==", read(LOCK))) - words.count("Ignoring ")
    if "Successfully installed" in words:
        return "compiling %d packages" % total
    if "Installing collected packages" in words:
        done = len(glob.glob(os.path.join(venv, "lib", "python*", "site-packages", "*.dist-info")))
        return "installing %d of %d packages" % (min(done, total), total)
    done = len(re.findall(r"(?m)^(?:Collecting|Requirement already satisfied)", words))
    trouble = ", the package index does not answer" if "Retrying" in words[-500:] else ""
    return "fetching %d of %d packages%s" % (done, total, trouble)


def diagnosis(words, log):
    # type: (str, str) -> Stop
    """Say in one line why pip failed and what to do."""
    index = re.search(r"Looking in indexes: ([^,\s]+)", words)
    name = index.group(1) if index else "that pip is set to"
    see = " (see %s)." % log
    if "No space left on device" in words:
        return Stop("The disk is full: the environment needs about 700 MB" + see)
    if "DO NOT MATCH THE HASHES" in words:
        return Stop("A package from %s is not the one this release was made with" % name + see, NO_INDEX)
    if UNREACHABLE.search(words):
        line = "The package index %s cannot be reached. Set PIP_INDEX_URL to one that can be, " % name
        return Stop(line + "or HTTPS_PROXY to your proxy, and run this again" + see, NO_INDEX)
    if "from versions: none" in words:
        line = "The package index %s has nothing for this machine (Python %d.%d on %s)"
        return Stop(line % (name, sys.version_info[0], sys.version_info[1], os.uname()[4]) + see, NO_INDEX)
    errors = re.findall(r"(?m)^ERROR: (.*)", words) or ["pip failed"]
    return Stop("The packages could not be installed: %s" % errors[0] + see)


# --- words ---------------------------------------------------------------------


def say(line):
    # type: (str) -> None
    print(line, file=sys.stderr)
    sys.stderr.flush()


def read(path):
    # type: (str) -> str
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

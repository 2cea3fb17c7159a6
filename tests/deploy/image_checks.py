"""The image, really built and really run: ``make image-test``. Not part of ``make test``: it takes some minutes.

Built with buildah and run with podman, which need no service and no Docker. Where no registry can be reached, the base
image is made from Debian's packages (Debian 13 with its Python 3.13), which is close to python:3.13-slim but not it;
IMAGE_BASE names another. IMAGE_BUILT=1 takes the image of the last time. Needs root, as the Makefile's target says.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from bot_api import TOKEN, BotApi
from discord_events import message as discord_message
from discord_server import TOKEN as DISCORD_TOKEN
from discord_server import DiscordServer
from people import message
from servers import free_port

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".cache" / "image-test"
IMAGE = "localhost/iris:latest"
BASE = "localhost/python:3.13-debian"
SUITE = "trixie"
# Beyond the base image, unpacked.
LARGEST_MB = 250
# Stands in files that must not come into the image.
CANARY = "canary-5c1f0e7d-must-not-be-in-a-layer"
START_S = 120
# Changed content is learnt anew, with what processor time the bot leaves over.
RELOAD_S = 600
# When polls stop coming back, this is how long IRIS takes to be sure (adapters/telegram/wire.py, Timing).
DEAF_S = 60
ANSWER_S = 30
STOP_S = 10
# Podman as root without a service manager: the runtime that works there, and limits that it may set.
CONTAINERS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=2048:2048"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
STORAGE = """
[storage]
driver = "vfs"
graphroot = "{work}/storage"
runroot = "{work}/run"
"""


def call(*command: str, check: bool = True, timeout: float = 900, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program with our own containers' settings; its output is part of the error where it fails."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("IRIS_")},
        "CONTAINERS_CONF": str(WORK / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(WORK / "storage.conf"),
        **more.pop("env", {}),
    }
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, env=environment, **more
    )
    if check and done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


async def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The same for podman, while the stand-ins go on serving."""
    return await asyncio.to_thread(call, "podman", *arguments, check=check)


@pytest.fixture(scope="session")
def base() -> str:
    """The base image: made once and kept."""
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "containers.conf").write_text(CONTAINERS, encoding="utf-8")
    (WORK / "storage.conf").write_text(STORAGE.format(work=WORK), encoding="utf-8")
    if named := os.environ.get("IMAGE_BASE"):
        return named
    if call("podman", "image", "exists", BASE, check=False).returncode:
        tar = WORK / "base.tar"
        if not tar.exists():
            # As in the official images: "python" is there, and pip may install.
            hooks = ['ln -s python3 "$1/usr/bin/python"', 'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED']
            hooks = [f"--customize-hook={hook}" for hook in hooks]
            packages = "--include=python3,python3-venv,python3-pip,ca-certificates"
            part = tar.with_suffix(".part.tar")  # mmdebstrap goes by the end of the name
            call("mmdebstrap", "--variant=minbase", packages, *hooks, SUITE, str(part))
            part.rename(tar)
        call("podman", "import", "--quiet", str(tar), BASE)
    return BASE


@pytest.fixture(scope="session")
def image(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image, built from the files that git knows, beside secrets that somebody left lying about."""
    if os.environ.get("IMAGE_BUILT"):
        yield IMAGE
        return
    context = tmp_path_factory.mktemp("context")
    listed = call("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, context / name)
    for name in (".env", "secrets/discord_token", "bot/.env", "content/.env.local", "deploy/tls_key.pem"):
        (context / name).parent.mkdir(exist_ok=True)
        (context / name).write_text(CANARY, encoding="utf-8")
    # This machine's way to the package index, where it has one of its own; the Dockerfile is as it is.
    trusted = [Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pip.conf")]
    volumes = [f"--volume={path}:{path}:ro" for path in trusted if path.exists()]
    arguments = [f"--build-arg=BASE={base}", *volumes, f"--tag={IMAGE}", "--format=docker", "--isolation=chroot"]
    call("buildah", "rm", "--all")  # what a build left that was cut short
    started = time.monotonic()
    built = call("buildah", "bud", *arguments, str(context), timeout=1800)
    print(f"\nBuilt in {time.monotonic() - started:.0f} s:")
    print("\n".join(re.findall(r"^ *[\d.]+ MB (?: |->).*$", built.stdout, re.MULTILINE)))  # what slim.py says
    yield IMAGE
    call("podman", "container", "prune", "--force")
    call("podman", "volume", "prune", "--force")
    call("podman", "image", "prune", "--force")


def _sizes(base: str) -> tuple[int, int]:
    images = json.loads(call("podman", "image", "inspect", base, IMAGE).stdout)
    return images[0]["Size"], images[1]["Size"]


def test_the_image_is_small(image: str, base: str) -> None:
    below, whole = _sizes(base)
    ours = (whole - below) / 1e6
    print(f"\n{below / 1e6:.0f} MB base + {ours:.0f} MB of ours")
    assert ours < LARGEST_MB


def test_the_image_says_how_it_is_to_be_run(image: str) -> None:
    (found,) = json.loads(call("podman", "image", "inspect", image).stdout)
    config = found["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["iris"]
    assert config["Cmd"] == ["run"]
    assert config["StopSignal"] in ("SIGTERM", "15")
    assert config["Volumes"] == {"/data": {}}
    assert found["Healthcheck"]["Test"] == ["CMD", "iris", "health"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    assert not [name for name in config["Env"] if "TOKEN" in name or "SECRET" in name]


def test_no_secret_is_in_any_layer(image: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    call("podman", "save", "--quiet", f"--output={archive}", image)
    names: set[str] = set()
    with tarfile.open(archive) as outer:
        for part in outer:
            stream = outer.extractfile(part)
            if stream is None:
                continue
            if not part.name.endswith(".tar"):
                assert CANARY.encode() not in stream.read(), part.name
                continue
            with tarfile.open(fileobj=stream, mode="r|*") as layer:
                for file in layer:
                    names.add(file.name)
                    content = layer.extractfile(file) if file.isfile() else None
                    assert content is None or CANARY.encode() not in content.read(), file.name
    ours = [name for name in names if name.startswith("opt/iris/")]
    assert ours
    assert not [name for name in ours if name.endswith(".pem") and "certifi" not in name]
    assert not [name for name in ours if "/.env" in name]
    assert not [name for name in names if name.startswith(("src/", "dist/"))]


def test_the_packages_are_those_of_the_lock(image: str) -> None:
    program = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.name.lower().replace('_', '-').replace('.', '-'): d.version for d in m.distributions()}))"
    )
    found = json.loads(call("podman", "run", "--rm", "--entrypoint=/opt/iris/bin/python", image, "-c", program).stdout)
    found.pop("iris-faq-bot")
    lock = (ROOT / "deploy" / "image.lock").read_text(encoding="utf-8")
    locked = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if "==" in line.split("#")[0])
    assert found.items() <= locked.items()
    assert "pip" not in found


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_every_package_comes_ready_made_for_both_processors(processor: str, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--dry-run", "--no-deps", "--require-hashes"]
    where = [f"--python-platform={processor}-unknown-linux-gnu", "--python-version=3.13", f"--target={tmp_path}"]
    lock = ROOT / "deploy" / "image.lock"
    done = call(*command, *where, "--only-binary=:all:", "--requirement", str(lock))
    locked = re.findall(r"^([\w.-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"^ \+ ([\w.-]+)==", done.stderr, re.MULTILINE) == [
        name
        for name in locked
        if name != "async-timeout"  # for Python before 3.11.3
    ]


class Running:
    """A container of the image with all the locks on, and what stands in for Telegram."""

    def __init__(self, name: str, port: int, api: BotApi, session: aiohttp.ClientSession) -> None:
        self.name, self.port, self.api, self.session = name, port, api, session

    async def health(self) -> subprocess.CompletedProcess[str]:
        """What the container's own health check says."""
        return await podman("exec", self.name, "iris", "health", check=False)

    async def asks(self, path: str) -> tuple[int, Any]:
        """Status and body of a page of the internal port."""
        try:
            async with self.session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientConnectionError:
            return 0, None

    async def log(self) -> str:
        """Everything that it has logged."""
        done = await podman("logs", self.name, check=False)
        return done.stdout + done.stderr

    async def until(self, what: str, condition: Callable[[], Awaitable[object]], seconds: float) -> float:
        """Wait until ``condition`` holds; the seconds that it took."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if await condition():
                return time.monotonic() - started
            await asyncio.sleep(0.5)  # another process: there is no event to wait for
        pytest.fail(f"Not {what} within {seconds:.0f} s. The log:\n{(await self.log())[-4000:]}")

    async def ready(self) -> float:
        """Wait until it serves."""

        async def served() -> bool:
            return (await self.asks("/readyz"))[0] == 200

        return await self.until("ready", served, START_S)

    async def answer(self, text: str) -> str:
        """What a person reads who asks on Telegram."""
        before = len(self.api.called("sendMessage"))
        await self.api.push(message=message(text))

        async def answered() -> bool:
            return len(self.api.called("sendMessage")) > before

        await self.until("answered", answered, ANSWER_S)
        return self.api.called("sendMessage")[-1].text

    async def stop(self) -> tuple[int, float]:
        """SIGTERM; the exit code, and the seconds that it took."""
        started = time.monotonic()
        await podman("stop", f"--time={STOP_S}", self.name)
        took = time.monotonic() - started
        state = json.loads((await podman("inspect", self.name)).stdout)[0]["State"]
        return state["ExitCode"], took


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """Telegram's side."""
    async with BotApi() as stand_in:
        yield stand_in
    assert stand_in.violations == []


@asynccontextmanager
async def run(api: BotApi, image: str, *options: str, **environment: str) -> AsyncIterator[Running]:
    """The image as compose.yaml runs it: read-only, without any capability, on a new volume."""
    port, name = free_port(), f"iris-image-test-{free_port()}"
    variables = {
        "IRIS_TELEGRAM_TOKEN": TOKEN,
        "IRIS_TELEGRAM_API_URL": api.base_url.removesuffix("/bot"),
        "IRIS_INTERNAL_PORT": str(port),
        **environment,
    }
    locks = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host"]
    await podman(
        *("run", "--detach", "--init", f"--name={name}", f"--volume={name}:/data", *locks),
        *(f"--env={key}={value}" for key, value in variables.items()),
        *(*options, image),
    )
    async with aiohttp.ClientSession() as session:
        try:
            yield Running(name, port, api, session)
        finally:
            await podman("rm", "--force", "--time=0", name, check=False)
            await podman("volume", "rm", "--force", name, check=False)


def _statuses(pid: int) -> list[dict[str, str]]:
    """What the kernel says of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    lines = [Path(f"/proc/{each}/status").read_text(encoding="ascii").splitlines() for each in (pid, *children)]
    return [dict(line.split(":\t", 1) for line in each if ":\t" in line) for each in lines]


async def test_it_serves_with_all_locks_on_and_leaves_cleanly_when_told_to(api: BotApi, image: str) -> None:
    async with run(api, image) as iris:
        print(f"\nready after {await iris.ready():.1f} s")
        answer = await iris.answer("pretty please explain insulin resistance to me")
        assert "insulin" in answer.lower()
        assert "not medical advice" in answer
        pid = json.loads((await podman("inspect", iris.name)).stdout)[0]["State"]["Pid"]
        processes = _statuses(pid)
        assert len(processes) == 2  # init and IRIS
        for status in processes:
            assert status["Uid"].split() == ["10001"] * 4
            assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [0] * 5
            assert status["NoNewPrivs"] == "1"
        refused = await podman("exec", iris.name, "touch", "/opt/iris/x", check=False)
        assert "Read-only file system" in refused.stderr
        code, took = await iris.stop()
        log = await iris.log()
    print(f"left after {took:.1f} s")
    assert code == 0, log
    assert took < STOP_S
    assert "Traceback" not in log
    assert "cache_not_writable" not in log
    assert "explain" not in log


async def test_health_turns_bad_while_telegram_is_silent_and_good_again_after(api: BotApi, image: str) -> None:
    async with run(api, image) as iris:
        await iris.ready()
        assert (await iris.health()).returncode == 0
        # It still takes our requests, but never answers one: a connection that looks alive.
        gate = api.hold("getUpdates")

        async def unhealthy() -> bool:
            return (await iris.asks("/healthz"))[0] == 503

        async def healthy() -> bool:
            return (await iris.asks("/healthz"))[0] == 200

        deaf = await iris.until("unhealthy", unhealthy, DEAF_S)
        said = await iris.health()
        assert said.returncode == 1
        assert "Telegram" in said.stderr
        api._gates.pop("getUpdates")
        gate.set()
        again = await iris.until("healthy again", healthy, DEAF_S)
        assert (await iris.health()).returncode == 0
        print(f"\nbad after {deaf:.0f} s, good again {again:.0f} s after Telegram was back")
        assert "insulin" in (await iris.answer("What is insulin resistance?")).lower()


async def test_changed_content_on_a_mounted_folder_is_taken_in(api: BotApi, image: str, tmp_path: Path) -> None:
    content = tmp_path / "content"
    shutil.copytree(ROOT / "content", content)
    faq = content / "faq.yaml"
    async with run(api, image, f"--volume={content}:/content:ro", IRIS_CONTENT="/content") as iris:
        await iris.ready()
        _, before = await iris.asks("/readyz")
        assert "liver cells respond weakly to insulin" in await iris.answer("What is insulin resistance?")

        async def taken() -> bool:
            _, said = await iris.asks("/readyz")
            return bool(said) and said["content"] != before["content"]

        text = faq.read_text(encoding="utf-8").replace("liver cells respond weakly", "liver cells hardly respond")
        faq.write_text(text, encoding="utf-8")
        took = await iris.until("taken in", taken, RELOAD_S)
        print(f"\ntaken in after {took:.1f} s")
        assert "liver cells hardly respond" in await iris.answer("What is insulin resistance?")

        async def refused() -> bool:
            return "content_refused" in await iris.log()

        faq.write_text(text.replace("\nentries:", "\nentrees:"), encoding="utf-8")
        await iris.until("refused", refused, RELOAD_S)
        assert "liver cells hardly respond" in await iris.answer("What is insulin resistance?")


async def test_on_discord_too(api: BotApi, image: str) -> None:
    discord = DiscordServer()
    await discord.start()
    stand_ins = ROOT / "tests" / "deploy" / "stand_ins"
    variables = {
        "IRIS_TELEGRAM_TOKEN": "",
        "IRIS_DISCORD_TOKEN": DISCORD_TOKEN,
        "STAND_IN_DISCORD": discord.url,
        "PYTHONPATH": "/stand_ins",
    }
    try:
        async with run(api, image, f"--volume={stand_ins}:/stand_ins:ro", **variables) as iris:
            await iris.ready()
            shown = await discord.say(discord_message("<@900000000000000001> What is HbA1c?", mentions_bot=True))
            assert "not medical advice" in shown.text
            assert (await iris.health()).returncode == 0
            code, took = await iris.stop()
            assert code == 0, await iris.log()
            assert took < STOP_S
    finally:
        await discord.stop()
    assert discord.violations == []


async def test_compose_up(api: BotApi, image: str, tmp_path: Path) -> None:
    """``compose.yaml`` as it is, but for the network, which it shares with the stand-in, and for the token."""
    port = free_port()
    for name in ("compose.yaml", "Dockerfile", ".env.example"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    environment = (ROOT / ".env.example").read_text(encoding="utf-8")
    environment = environment.replace("IRIS_TELEGRAM_TOKEN=\n", f"IRIS_TELEGRAM_TOKEN={TOKEN}\n")
    address = api.base_url.removesuffix("/bot")
    environment = environment.replace("IRIS_TELEGRAM_API_URL=\n", f"IRIS_TELEGRAM_API_URL={address}\n")
    (tmp_path / ".env").write_text(environment, encoding="utf-8")
    (tmp_path / "here.yaml").write_text(
        f"services:\n  iris:\n    network_mode: host\n    environment:\n      IRIS_INTERNAL_PORT: '{port}'\n",
        encoding="utf-8",
    )
    compose = [str(Path(sys.executable).parent / "podman-compose"), "-f", "compose.yaml", "-f", "here.yaml"]

    async def composed(*arguments: str) -> str:
        command = [*compose, *arguments]
        done = await asyncio.to_thread(call, *command, cwd=tmp_path)
        return done.stdout + done.stderr

    await composed("up", "--detach", "--no-build")
    try:
        name = (await podman("ps", "--format={{.Names}}", "--filter=name=iris")).stdout.strip()
        async with aiohttp.ClientSession() as session:
            iris = Running(name, port, api, session)
            await iris.ready()
            assert "not medical advice" in await iris.answer("What is insulin resistance?")
            await podman("healthcheck", "run", name)
            (found,) = json.loads((await podman("inspect", name)).stdout)
            host = found["HostConfig"]
            assert host["ReadonlyRootfs"]
            assert host["Memory"] == 1024**3
            assert host["PidsLimit"] == 256
            assert host["RestartPolicy"]["Name"] == "unless-stopped"
            assert host["LogConfig"]["Size"] in ("10MB", "10m", "9.537MiB")
            assert host["Init"]
            assert not found["EffectiveCaps"]
            assert "no-new-privileges" in host["SecurityOpt"]
            code, took = await iris.stop()
            assert (code, took < STOP_S) == (0, True)
    finally:
        await composed("down", "--volumes")

"""What the tests of all packages stand on: PostgreSQL with pgvector, S3 with SQS, ports and limits of their own.

With several workers (`make test`), the process that hands out the tests starts one server of each kind for all of them.
The servers end with the process that started them, however it ends (on Linux).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import secrets
import signal
import subprocess
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import boto3
import h5py
import hypothesis
import numpy as np
import pytest

from soundalike.db import database, schema
from soundalike.extractor import weights
from soundalike.extractor.architecture import CHANNELS, LAYERS, TAGS, kernel_shape
from soundalike.extractor.models import choi_2017
from soundalike.local import ports
from soundalike.local.ministack import AwsServer
from soundalike.local.postgres import ADMIN, PostgresServer
from soundalike.local.program import open_log
from soundalike.storage.private_directories import user_cache_directory
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from soundalike.db.database import Pool
    from soundalike.local.program import Program

# Workers with as many threads as there are cores each would only wait for one another.
_THREAD_COUNTS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)

_REPLIES = {
    "written": Path(__file__).parent / "tests" / "replies",
    "recorded": Path(__file__).parent.parent / "shared" / "data" / "replies",
}

# Where Choi's published weights may be; the cache is that of an earlier download.
_PUBLISHED_WEIGHTS = [
    Path(os.environ.get("CHOI_WEIGHTS", os.devnull)),
    Path(__file__).parent.parent / "shared" / "data" / "choi-cnn" / "weights_layer4_theano.hdf5",
    user_cache_directory() / f"choi-2017-{choi_2017.SHA256[:8]}.hdf5",
]

_shared_servers = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    # A shell ignores SIGINT in what it starts in the background, and children inherit that: tests that interrupt
    # programs would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.timeout is None:
        config.option.timeout = scale(float(config.getini("timeout")))
    # How long an example takes says something about the machine only.
    too_slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=too_slow)
    hypothesis.settings.load_profile("untimed")
    if config.getoption("numprocesses", None):
        # Before the workers start, so that it is set when they load a library.
        os.environ.update({name: "1" for name in _THREAD_COUNTS if name not in os.environ})
    if worker := getattr(config, "workerinput", None):
        # Two workers must not take the same port for free.
        number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        ports.PORT_RANGE = ports.PORT_RANGE[number % count :: count]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the servers before the first worker of pytest-xdist, and tell every worker where they are."""
    if not hasattr(node.config, "shared_servers"):
        home = _shared_servers.enter_context(TemporaryDirectory(prefix="soundalike-tests-", ignore_cleanup_errors=True))
        servers = Servers.at(Path(home))
        _shared_servers.enter_context(servers.run_postgres())
        _shared_servers.enter_context(servers.run_aws())
        node.config.shared_servers = asdict(servers)
    node.workerinput["servers"] = node.config.shared_servers


def pytest_unconfigure() -> None:
    _shared_servers.close()


@dataclass(frozen=True, slots=True)
class Servers:
    """Where a PostgreSQL and an S3 with SQS listen, or will listen, and the secret of both."""

    home: str
    secret: str
    postgres_port: int
    aws_port: int

    @classmethod
    def at(cls, home: Path) -> Servers:
        return cls(str(home), secrets.token_hex(16), ports.free_port(), ports.free_port())

    @property
    def postgres(self) -> PostgresServer:
        home = Path(self.home) / "postgres"
        log_file = home / "postgres.log"
        return PostgresServer(
            home=home, port=self.postgres_port, password=self.secret, log_file=log_file, durable=False
        )

    @property
    def aws(self) -> AwsServer:
        home = Path(self.home) / "aws"
        return AwsServer(
            home=home,
            port=self.aws_port,
            access_key_id=f"TESTS{self.secret[:12].upper()}",
            secret_access_key=self.secret,
            log_file=home / "ministack.log",
        )

    def run_postgres(self) -> AbstractContextManager[None]:
        self.postgres.prepare()
        return _running(self.postgres, self.postgres.program())

    def run_aws(self) -> AbstractContextManager[None]:
        self.aws.prepare()
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return _running(self.aws, self.aws.program(environment))


@dataclass(frozen=True, slots=True)
class AwsEndpoint:
    """Where S3 and SQS answer, and to whom."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str

    def environment(self) -> dict[str, str]:
        """Return the variables by which boto3 finds it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@pytest.fixture(scope="session", params=[origin for origin, folder in _REPLIES.items() if folder.is_dir()])
def reply_origin(request: pytest.FixtureRequest) -> str:
    """`written`: replies by us; and `recorded` as well, where such are beside the checkout."""
    return str(request.param)


@pytest.fixture(scope="session")
def reply(reply_origin: str) -> Callable[[str], Any]:
    """Read a reply of a music service by the beginning of its file's name; see `tests/replies/README.md`."""

    def read(name: str) -> Any:
        (file,) = _REPLIES[reply_origin].glob(f"{name}*.json")
        return json.loads(file.read_text(encoding="utf-8"))

    return read


@pytest.fixture(scope="session")
def published_weights() -> Path:
    """The file of Choi's published weights; they are no part of this repository."""
    for file in _PUBLISHED_WEIGHTS:
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == choi_2017.SHA256:
            return file
    pytest.skip("Choi's published weights are not on this machine (CHOI_WEIGHTS names their file)")


@pytest.fixture
def generated_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the layout of Choi's weights, with random numbers, which the extractor takes for the published one.

    So it goes with the statistics, tags and projection that come with the packages, and has the model ids of that one.
    """
    content = _generate_weights()
    file = tmp_path / "generated-weights.hdf5"
    file.write_bytes(content)
    parse = weights.parse
    sha256, published_sha256 = hashlib.sha256(content).hexdigest(), choi_2017.SHA256

    def parse_as_published(data: bytes) -> weights.Weights:
        parsed = parse(data)
        return replace(parsed, sha256=published_sha256) if parsed.sha256 == sha256 else parsed

    monkeypatch.setattr(choi_2017, "SHA256", sha256)
    monkeypatch.setattr(weights, "parse", parse_as_published)
    return file


@pytest.fixture(params=["generated", *(["published"] if any(map(Path.is_file, _PUBLISHED_WEIGHTS)) else [])])
def choi_weights(request: pytest.FixtureRequest) -> Path:
    """Weights of Choi's network: generated ones, and the published ones where they are on this machine."""
    return request.getfixturevalue(f"{request.param}_weights")


@pytest.fixture(scope="session")
def shared_servers(request: pytest.FixtureRequest) -> Servers | None:
    """The servers that all workers share, where there are several."""
    worker = getattr(request.config, "workerinput", None)
    return Servers(**worker["servers"]) if worker else None


@pytest.fixture(scope="session")
def servers(shared_servers: Servers | None, tmp_path_factory: pytest.TempPathFactory) -> Servers:
    return shared_servers or Servers.at(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="session")
def postgres_server(servers: Servers, shared_servers: Servers | None) -> Iterator[str]:
    """Address of the `postgres` database of a server for tests only, as its superuser."""
    with nullcontext() if shared_servers else servers.run_postgres():
        yield servers.postgres.url(ADMIN)


@pytest.fixture(scope="session")
def template_database(postgres_server: str) -> str:
    """Name of a database that holds the schema and nothing else, to which nobody can connect."""
    name = f"template_{uuid4().hex}"
    asyncio.run(_execute(postgres_server, f"CREATE DATABASE {name}"))
    asyncio.run(schema.upgrade(_sibling(postgres_server, name)))
    asyncio.run(_execute(postgres_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
    return name


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """Address of a database without a schema that is dropped afterwards."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture
def database_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """Address of a database with the schema that is dropped afterwards."""
    with _database(postgres_server, f"TEMPLATE {template_database} STRATEGY FILE_COPY") as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with database.connect(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def aws_endpoint(servers: Servers, shared_servers: Servers | None) -> Iterator[AwsEndpoint]:
    """S3 and SQS of a server for tests only; tests tell their buckets and queues apart by name."""
    with nullcontext() if shared_servers else servers.run_aws():
        aws = servers.aws
        yield AwsEndpoint(aws.endpoint_url, aws.region, aws.access_key_id, aws.secret_access_key)


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that no outgoing connection takes meanwhile, other than those of pytest-asyncio's fixture."""
    return ports.free_port()


@pytest.fixture
def aws_environment(aws_endpoint: AwsEndpoint, monkeypatch: pytest.MonkeyPatch) -> AwsEndpoint:
    """Environment in which boto3 finds the server, and nothing of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        **aws_endpoint.environment(),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(name, value)
    # boto3 keeps the credentials that it found first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return aws_endpoint


def _generate_weights() -> bytes:
    """Make an untrained network in the layout of Keras 1 on Theano: kernels [out, in, height, width]."""
    rng = np.random.default_rng(2017)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for number in range(LAYERS):
            height, width, inputs, outputs = kernel_shape(number)
            block, fan_in = f"ConvBNEluDr/{{}}_{number + 1}_{{}}", height * width * inputs
            file[block.format("convolution2d", "W")] = normal(
                outputs, inputs, height, width, scale=float(np.sqrt(2 / fan_in))
            )
            file[block.format("convolution2d", "b")] = normal(CHANNELS)
            file[block.format("batchnormalization", "gamma")] = normal(CHANNELS)
            file[block.format("batchnormalization", "beta")] = normal(CHANNELS)
        # Small, so that no probability is rounded to 0 or 1.
        file["dense_1/dense_1_W"] = normal(CHANNELS, TAGS, scale=0.01)
        file["dense_1/dense_1_b"] = normal(TAGS)
    return buffer.getvalue()


@contextmanager
def _running(server: PostgresServer | AwsServer, program: Program) -> Iterator[None]:
    log = open_log(program.log_file)
    try:
        process = subprocess.Popen(
            program.launch_command(),
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)
    try:
        asyncio.run(_wait_until_ready(server, process, program))
        yield
    finally:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.stop_timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _wait_until_ready(
    server: PostgresServer | AwsServer, process: subprocess.Popen[bytes], program: Program
) -> None:
    task = asyncio.ensure_future(server.wait_until_ready())
    while not task.done():
        if process.poll() is not None:
            task.cancel()
            pytest.fail(f"{program.name} ended with {process.returncode}:\n{program.log_tail()}")
        await asyncio.wait([task], timeout=0.05)
    await task


@contextmanager
def _database(server: str, options: str = "") -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name} {options}"))
    yield _sibling(server, name)
    asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


def _sibling(url: str, database_name: str) -> str:
    return f"{url.rpartition('/')[0]}/{database_name}"


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

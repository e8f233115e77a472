"""The files that build, start and check the platform: well-formed, safe, and in step with the code."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("crawler", "extractor", "indexer", "api")
PROJECTS = {name: ROOT / "services" / name for name in SERVICES} | {"sandbox": ROOT / "sandbox"}
DOCKERFILE = ROOT / "deploy/Dockerfile"
# Its image is made of a part of another project.
STORE = "ministack"
TARGETS = (*PROJECTS, STORE)
# The step of the Dockerfile that installs what a lock names.
INSTALLER = (ROOT / "deploy/image/dependencies").read_text()
ONE_SHOT = {"provision", "crawler"}
SETTINGS = {
    "crawler": ("soundalike.crawler.settings", "CrawlerSettings"),
    "soundcloud": ("soundalike.crawler.walk.settings", "SoundCloudSettings"),
    "extractor": ("soundalike.extractor.settings", "ExtractorSettings"),
    "indexer": ("soundalike.indexer.settings", "IndexerSettings"),
    "api": ("soundalike.api.settings", "ApiSettings"),
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def run_tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.compose-spec", "docker-compose.yml"), ("vendor.circle-ci", ".circleci/config.yml")],
)
def test_file_fits_its_schema(schema: str, file: str) -> None:
    checked = run_tool(tool("check-jsonschema"), "--builtin-schema", schema, file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_schema_check_finds_a_misspelt_key(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("healthcheck:", "heathcheck:"))
    assert run_tool(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(wrong)).returncode != 0


def test_dockerfile_passes_hadolint() -> None:
    checked = run_tool(tool("hadolint"), short(DOCKERFILE))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@dataclass(frozen=True)
class Stage:
    """A stage of the Dockerfile, without its comments."""

    base: str
    text: str


def stages() -> dict[str, Stage]:
    dockerfile = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    parts = re.split(r"^FROM (\S+) AS (\S+)$", dockerfile, flags=re.MULTILINE)[1:]
    return {name: Stage(base, text) for base, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)}


def lineage(name: str) -> str:
    """What the stage and the stages below it say, from the image that is not ours on."""
    known = stages()
    stage = known[name]
    return (lineage(stage.base) if stage.base in known else "") + stage.text


def sources(target: str) -> list[str]:
    return re.findall(r"^COPY --from=(\S+)", lineage(target), re.MULTILINE)


def copied_from_the_checkout(name: str) -> list[tuple[str, str]]:
    return re.findall(r"^COPY ([^-\s]\S*) (\S+)$", lineage(name), re.MULTILINE)


def test_dockerfile_needs_no_registry_besides_its_base_images() -> None:
    text = DOCKERFILE.read_text()
    assert not re.search(r"^#\s*syntax=", text, re.MULTILINE)
    assert "@sha256" not in text
    assert {stage.base for stage in stages().values()} - stages().keys() == {
        "python:3.12-slim-bookworm",
    }


def test_every_stage_has_a_name_and_serves_an_image() -> None:
    assert len(re.findall("^FROM ", DOCKERFILE.read_text(), re.MULTILINE)) == len(stages())
    used: set[str] = set()
    todo = list(TARGETS)
    while todo:
        name = todo.pop()
        used.add(name)
        todo += sources(name)
        if stages()[name].base in stages():
            todo.append(stages()[name].base)
    assert used == stages().keys()


@pytest.mark.parametrize("target", TARGETS)
class TestTarget:
    def test_runs_as_a_numbered_user_other_than_root(self, target: str) -> None:
        users = re.findall(r"^USER (\S+)$", stages()[target].text, re.MULTILINE)
        assert users[-1] == "10001:10001"

    def test_final_stage_holds_no_compiler_and_no_installer(self, target: str) -> None:
        assert not re.search(r"\b(apt-get|pip|g\+\+|install-\w+)\b", lineage(target))

    def test_takes_nothing_but_what_is_made_for_it(self, target: str) -> None:
        assert copied_from_the_checkout(target) == []
        assert set(sources(target)) == {f"{target}-dependencies", f"{target}-code"}

    def test_is_what_the_stack_starts_under_its_name(self, target: str, compose: dict[str, Any]) -> None:
        built = [service for service in compose["services"].values() if f"/{target}:" in service["image"]]
        assert built
        for service in built:
            assert service["build"] == {"context": ".", "dockerfile": short(DOCKERFILE), "target": target}


@pytest.mark.parametrize("name", PROJECTS)
def test_image_is_built_from_the_service_and_the_libraries_it_needs(name: str) -> None:
    ours = [file for pattern in ("*", "*/*") for file in ROOT.glob(f"{pattern}/pyproject.toml")]
    homes = {tomllib.loads(file.read_text())["project"]["name"]: file.parent for file in ours}
    # A package may be asked for again with another extra, which may ask for more.
    done: set[tuple[Path, str | None]] = set()
    todo: set[tuple[Path, str | None]] = {(PROJECTS[name], None)}
    while todo:
        done.add(member := todo.pop())
        path, extra = member
        project = tomllib.loads((path / "pyproject.toml").read_text())["project"]
        requirements = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
        for package, extras in re.findall(r"^(soundalike-\w+)(?:\[([\w,]+)\])?", "\n".join(requirements), re.MULTILINE):
            todo |= {(homes[package], one) for one in (None, *filter(None, extras.split(",")))}
        todo -= done
    needed = {short(path) for path, _ in done}
    build = copied_from_the_checkout("build")
    copied = dict(copied_from_the_checkout(f"{name}-code")[len(build) :])
    assert copied == {folder: folder for folder in needed} | {"deploy/image/code": "/usr/local/bin/install-code"}
    # The step installs every project that was copied.
    assert stages()[f"{name}-code"].text.strip().endswith("\nRUN install-code")


def imports(folder: Path) -> set[str]:
    """Return the distributions and the modules of ours that the files of a folder import, wherever they do."""
    modules: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {f"soundalike.{alias.name}" for alias in node.names}
                modules |= names if node.module == "soundalike" else {str(node.module)}
    outside = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"soundalike"}
    return outside | {module for module in modules if module.startswith("soundalike.")}


def test_builds_are_sent_what_they_copy() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for name in stages() for source, _ in copied_from_the_checkout(name)}
    assert {one for one in copied if not any(Path(one).is_relative_to(folder) for folder in sent)} == set()


def test_image_of_the_store_holds_what_it_imports() -> None:
    project = tomllib.loads((ROOT / "local/pyproject.toml").read_text())
    group = project["dependency-groups"]["store"]
    assert set(group) <= set(project["project"]["dependencies"])
    imported = imports(ROOT / "local/src/soundalike/local/store")
    ours = {module for module in imported if module.startswith("soundalike.")}
    assert {module for module in ours if not module.startswith("soundalike.local.store")} == {"soundalike.open_files"}
    assert imported - ours == {re.split(r"[^\w.-]", text)[0] for text in group}
    assert set(pins(ROOT / "requirements/ministack.txt")) >= imported - ours
    build = copied_from_the_checkout("build")
    copied = dict(copied_from_the_checkout("ministack-code")[len(build) :])
    assert copied == {"core": "core", "local": "local", "deploy/image/code": "/usr/local/bin/install-code"}


@pytest.mark.parametrize("name", TARGETS)
def test_image_has_the_dependencies_of_its_own_lock(name: str) -> None:
    lock = f"requirements/{name}.txt"
    build = copied_from_the_checkout("build")
    copied = dict(copied_from_the_checkout(f"{name}-dependencies")[len(build) :])
    script = {"deploy/image/dependencies": "/usr/local/bin/install-dependencies"}
    assert copied == {lock: "requirements/"} | script
    assert re.findall(r"\binstall-dependencies (\S+)$", lineage(f"{name}-dependencies"), re.MULTILINE) == [lock]
    assert '--require-hashes --no-deps --no-build-isolation --wheel-dir /wheels --requirement "$1"' in INSTALLER


@pytest.mark.parametrize("name", ["indexer", "api"])
def test_annoy_is_not_compiled_for_the_builders_own_cpu(name: str) -> None:
    assert "annoy==" in (ROOT / f"requirements/{name}.txt").read_text()
    assert re.search(r"\bg\+\+", lineage(f"{name}-dependencies"))
    flags, compilation = INSTALLER.index('export ANNOY_COMPILER_ARGS="$flags"'), INSTALLER.index("\npip wheel ")
    assert INSTALLER.index("-march=x86-64-v2") < flags < compilation


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements/*.txt")), ids=short)
def test_lock_holds_nothing_but_versions_and_hashes(lock: Path) -> None:
    entries = re.sub(r" \\\n", "", lock.read_text()).splitlines()
    assert entries
    pinned = re.compile(r"[A-Za-z0-9_.-]+(\[[\w,-]+\])?==\S+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    assert [entry for entry in entries if not pinned.fullmatch(entry)] == []


@pytest.mark.parametrize("name", [*TARGETS, "run"])
def test_service_runs_what_was_tested_together(name: str) -> None:
    tested, locked = pins(ROOT / "requirements/dev.txt"), pins(ROOT / f"requirements/{name}.txt")
    assert {package: version for package, version in locked.items() if tested.get(package) != version} == {}


@pytest.mark.parametrize("name", [*TARGETS, "run"])
def test_what_runs_needs_no_tensorflow(name: str) -> None:
    heavy = {"tensorflow", "tensorflow-cpu", "keras", "librosa", "numba"}
    assert heavy & pins(ROOT / "requirements/dev.txt").keys() == heavy
    assert heavy & pins(ROOT / f"requirements/{name}.txt").keys() == set()


@pytest.mark.parametrize("name", PROJECTS)
def test_lock_knows_every_dependency(name: str) -> None:
    declared = tomllib.loads((PROJECTS[name] / "pyproject.toml").read_text())["project"]["dependencies"]
    outside = {re.split(r"[^\w.-]", text)[0] for text in declared if not text.startswith("soundalike-")}
    assert outside - pins(ROOT / f"requirements/{name}.txt").keys() == set()


IMAGE_STEPS = ["deploy/image/code", "deploy/image/dependencies"]
CI_SCRIPTS = [".ci/run", ".ci/browser"]


@pytest.mark.parametrize(
    "script", [*CI_SCRIPTS, "deploy/make-config", "deploy/smoke.sh", "requirements/compile", *IMAGE_STEPS]
)
def test_script_is_well_formed(script: str) -> None:
    assert run_tool("bash", "-n", script).stderr == ""


@pytest.mark.parametrize("script", [*CI_SCRIPTS, "deploy/make-config", "requirements/compile", *IMAGE_STEPS])
def test_script_can_be_called(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout, so nobody knows which files are tracked")
    listed = run_tool("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_package_index_or_a_path_of_a_developers_machine() -> None:
    # Written apart, or this file would find itself.
    unwanted = [
        "pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "debian" + ".org/debian",
        "index" + "-url", "extra-" + "index", "/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/",
    ]  # fmt: skip
    results = [
        f"{short(path)}: {word}" for path in tracked_files() for word in unwanted if word.encode() in path.read_bytes()
    ]
    assert results == []


def test_no_settings_with_secrets_are_tracked() -> None:
    names = {short(path) for path in tracked_files()}
    assert not [name for name in names if name == ".env" or name.endswith(".env")]


class TestCompose:
    def test_secrets_have_no_default(self, compose: dict[str, Any]) -> None:
        text = (ROOT / "docker-compose.yml").read_text()
        used = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)([^}]*)\}", text)
        assert {name for name, _ in used} == {"POSTGRES_PASSWORD", "STORE_ACCESS_KEY_ID", "STORE_SECRET_ACCESS_KEY"}
        assert all(rest.startswith(":?") for _, rest in used)
        for name, service in compose["services"].items():
            for variable, value in service.get("environment", {}).items():
                if re.search("PASSWORD|SECRET|KEY|_URL$", variable) and variable != "AWS_ENDPOINT_URL":
                    assert ":?" in value, f"{name} has {variable} in clear"

    def test_every_service_is_confined(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert "no-new-privileges:true" in service["security_opt"], name
            assert not {"privileged", "cap_add", "ulimits", "container_name"} & service.keys(), name
            assert service.get("user") != "root", name

    def test_every_service_has_limits_of_memory_processes_and_temporary_files(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            default = re.sub(r"^\$\{[A-Z_]+:-(.+)\}$", r"\1", service["mem_limit"])
            assert re.fullmatch(r"[1-9]\d*[mg]", default), name
            assert service["memswap_limit"] == service["mem_limit"], name
            assert 0 < service["pids_limit"] <= 1024, name
            # What lies there counts as memory, and without a size it may take half of the machine's.
            assert service["tmpfs"], name
            for mount in service["tmpfs"]:
                assert re.search(r"[:,]size=[1-9]\d*m(,|$)", mount), f"{name}: {mount}"

    def test_every_service_is_watched_or_ends_by_itself(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            if name in ONE_SHOT:
                assert service["restart"] == "no", name
            else:
                assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
                assert service["restart"] == "unless-stopped", name

    def test_only_the_api_can_be_reached_and_only_from_this_machine(self, compose: dict[str, Any]) -> None:
        published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
        assert list(published) == ["api"]
        assert all(port.startswith("127.0.0.1:") for port in published["api"])
        for name, network in (("postgres", "inside"), ("ministack", "store")):
            assert compose["services"][name]["networks"] == [network]
            assert compose["networks"][network]["internal"] is True

    def test_the_store_is_reached_by_those_who_have_its_keys(self, compose: dict[str, Any]) -> None:
        services = {name: service for name, service in compose["services"].items() if name != "ministack"}
        with_keys = {name for name, service in services.items() if "STORE_ACCESS_KEY_ID" in str(service)}
        assert {name for name, service in services.items() if "store" in service["networks"]} == with_keys
        assert {"postgres", "sandbox"} & with_keys == set()

    def test_the_store_has_keys_of_its_own_and_no_other_settings(self, compose: dict[str, Any]) -> None:
        store = compose["services"]["ministack"]
        assert store["environment"] == {
            "AWS_ACCESS_KEY_ID": "${STORE_ACCESS_KEY_ID:?run make config first}",
            "AWS_SECRET_ACCESS_KEY": "${STORE_SECRET_ACCESS_KEY:?run make config first}",
        }
        assert "_ministack" not in str(store)
        assert '"python", "-m", "soundalike.local.store"' in stages()["ministack"].text

    def test_volumes_that_hold_data_are_named(self, compose: dict[str, Any]) -> None:
        # Of one that a variable names: what it is without the variable.
        mounted = {
            re.sub(r"\$\{\w+:-(\w+)\}", r"\1", volume).split(":")[0]
            for service in compose["services"].values()
            for volume in service.get("volumes", [])
        }
        assert mounted == set(compose["volumes"])

    def test_music_is_mounted_under_its_own_path_and_never_written(self, compose: dict[str, Any]) -> None:
        mounts = {
            name: [volume for volume in service.get("volumes", []) if "MUSIC_FOLDER" in volume]
            for name, service in compose["services"].items()
        }
        # The folder of a crawl is mounted by `make crawl`.
        mount = ["${MUSIC_FOLDER:-music}:${MUSIC_FOLDER:-/music}:ro"]
        assert {name: volumes for name, volumes in mounts.items() if volumes} == {"api": mount, "watcher": mount}

    def test_nothing_works_before_the_stack_is_provisioned(self, compose: dict[str, Any]) -> None:
        for name in SERVICES:
            awaited = compose["services"][name]["depends_on"]
            assert awaited["provision"]["condition"] == "service_completed_successfully", name

    def test_every_variable_it_asks_for_is_in_the_template(self) -> None:
        names = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
        # What names the images is for those who push them.
        assert names - {"IMAGE_PREFIX", "IMAGE_TAG"} == set(variables(ROOT / "config/platform.env.example"))


def variables(template: Path) -> list[str]:
    return re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", template.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", SETTINGS)
def test_template_names_every_setting_of_the_service_and_no_other(name: str) -> None:
    module, settings = SETTINGS[name]
    fields = getattr(import_module(module), settings).model_fields
    named = variables(ROOT / f"config/{name}.env.example")
    assert len(named) == len(set(named))
    assert set(named) == {field.upper() for field in fields}


@pytest.mark.parametrize("template", sorted(ROOT.glob("config/*.env.example")), ids=short)
def test_every_variable_of_a_template_is_explained(template: Path) -> None:
    lines = ["", *template.read_text().splitlines()]
    for before, line in pairwise(lines):
        variable = re.match(r"(?:# )?([A-Z][A-Z0-9_]*)=", line)
        if variable:
            assert re.match(r"# \S|(?:# )?[A-Z][A-Z0-9_]*=", before), f"{variable[1]} is not explained"


class TestMakeConfig:
    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        (tmp_path / "config").mkdir()
        for template in ROOT.glob("config/*.example"):
            shutil.copy(template, tmp_path / "config")
        (tmp_path / "deploy").mkdir()
        shutil.copy(ROOT / "deploy/make-config", tmp_path / "deploy/make-config")
        return tmp_path

    def make(self, checkout: Path) -> None:
        subprocess.run([checkout / "deploy/make-config"], check=True, capture_output=True)

    def values(self, checkout: Path) -> dict[str, str]:
        lines = (checkout / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if re.match("[A-Z]", line))

    def test_secrets_are_made_up_and_private(self, checkout: Path) -> None:
        self.make(checkout)
        values = self.values(checkout)
        secrets = [values[name] for name in ("POSTGRES_PASSWORD", "STORE_ACCESS_KEY_ID", "STORE_SECRET_ACCESS_KEY")]
        assert len(set(secrets)) == 3
        assert all(re.fullmatch("[0-9a-f]{48}", secret) for secret in secrets)
        assert stat.S_IMODE((checkout / "config/platform.env").stat().st_mode) == 0o600
        assert {path.name for path in (checkout / "config").glob("*.env")} == {
            path.name.removesuffix(".example") for path in (checkout / "config").glob("*.example")
        }

    def test_what_is_there_is_kept(self, checkout: Path) -> None:
        self.make(checkout)
        before = self.values(checkout)
        self.make(checkout)
        assert self.values(checkout) == before

    def test_a_template_that_was_only_copied_holds_no_secret(self) -> None:
        text = (ROOT / "config/platform.env.example").read_text()
        assert re.findall(r"^(\w+)=$", text, re.MULTILINE) == [
            "POSTGRES_PASSWORD",
            "STORE_ACCESS_KEY_ID",
            "STORE_SECRET_ACCESS_KEY",
        ]

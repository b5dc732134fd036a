"""A headless Chromium, driven over the DevTools protocol; nothing but Debian's package and `websockets`."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--password-store=basic",
    "--remote-debugging-port=0",
)
KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Tab": ("Tab", 9, None),
    "Escape": ("Escape", 27, None),
    " ": ("Space", 32, " "),
}
SHIFT = 8


def program() -> str | None:
    """Return the path of a Chromium, None where none is installed."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Page:
    """One tab. Collects what it logs and what it requests."""

    def __init__(self, connection: ClientConnection, session: str) -> None:
        self._connection = connection
        self._session = session
        self._number = 0
        self.problems: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Send a command, return its result. Raises: RuntimeError with the browser's complaint."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params, "sessionId": self._session}
        self._connection.send(json.dumps(message))
        while True:
            reply = json.loads(self._connection.recv(timeout=30))
            if reply.get("id") == number and reply.get("sessionId") == self._session:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]
            self._note(reply)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.problems.append(json.dumps(params["args"]))

    def js(self, expression: str) -> Any:
        """Evaluate JavaScript (awaiting a promise), return its JSON value. Raises: RuntimeError."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def until(self, expression: str, seconds: float = 15.0) -> None:
        """Wait until JavaScript is truthy. Raises: TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(RuntimeError):  # the page is changing
                if self.js(f"!!({expression})"):
                    return
            time.sleep(0.05)
        raise TimeoutError(f"never true: {expression}\n{self.problems}")

    def open(self, url: str) -> None:
        """Go to a URL and wait until the page can be used."""
        self.call("Page.navigate", url=url)
        self.until(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    def size(self, width: int, height: int, *, mobile: bool = False, scale: float = 1) -> None:
        """Set the size of the window in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    def media(self, **features: str) -> None:
        """Set media features, such as ``prefers_color_scheme="dark"``."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=listed)

    def write(self, text: str) -> None:
        """Put text into the focused field, as an input method does."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False, times: int = 1) -> None:
        """Press and release a key of ``KEYS``."""
        code, number, text = KEYS[key]
        base = {
            "key": key,
            "code": code,
            "windowsVirtualKeyCode": number,
            "modifiers": SHIFT if shift else 0,
        }
        for _ in range(times):
            down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
            self.call("Input.dispatchKeyEvent", **base, **down)
            self.call("Input.dispatchKeyEvent", **base, type="keyUp")

    def tab_to(self, selector: str, limit: int = 60) -> None:
        """Press Tab until the selected element has the focus. Raises: TimeoutError."""
        for _ in range(limit):
            if self.js(f"document.activeElement?.matches({json.dumps(selector)}) ?? false"):
                return
            self.press("Tab")
        raise TimeoutError(f"Tab never reaches {selector}")

    def close(self) -> None:
        """Close the tab."""
        with suppress(RuntimeError):
            self.call("Page.close")

    def screenshot(self, path: Path) -> None:
        """Save what is in the window as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def chromium() -> Iterator[Callable[[], Page]]:
    """Run a browser with a fresh profile; the value opens a new tab each time it is called.

    Raises: FileNotFoundError without a Chromium.
    """
    path = program()
    if path is None:
        raise FileNotFoundError("no Chromium is installed")
    with tempfile.TemporaryDirectory(prefix="jibu-chromium-", ignore_cleanup_errors=True) as profile:
        command = [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"HOME": profile}
        )
        try:
            address = _address(Path(profile), process)
            # No pings: the thread that sends them draws from `random` while other tests run.
            with connect(address, max_size=None, ping_interval=None) as connection:
                yield lambda: _new_page(connection)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _address(profile: Path, process: subprocess.Popen[bytes], seconds: float = 30.0) -> str:
    """Return the browser's socket address, which it writes into its profile."""
    file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and len(lines := file.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise RuntimeError("Chromium did not start")


def _new_page(connection: ClientConnection) -> Page:
    """Open a tab of its own context, so that nothing stored is shared with another."""
    browser = _Browser(connection)
    context = browser.call("Target.createBrowserContext")["browserContextId"]
    target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
    attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
    return Page(connection, attached["sessionId"])


class _Browser:
    """Commands to the browser itself; their replies carry no session."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        number = self._number
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            reply = json.loads(self._connection.recv(timeout=30))
            if reply.get("id") == number and "sessionId" not in reply:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]

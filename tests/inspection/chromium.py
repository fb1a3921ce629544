"""Headless browser, controlled through its pipe; its tests are skipped where Chromium is not installed."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_SECONDS = 60


def _beyond_the_first(descriptor):
    """Move a pipe away from the descriptors 3 and 4."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


class Chromium:
    """A page of Chromium, with the errors it logs in `complaints` and the addresses it loads in `requests`."""

    def __init__(self, folder):
        self._counter, self._buffer, self.complaints, self.requests = 0, b"", [], []
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        words = [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
                 f"--user-data-dir={folder}", "--disable-dev-shm-usage", "about:blank"]  # fmt: skip
        # The pipe's ends are file descriptors 3 and 4 by custom; a shell puts them there.
        commands, answers = (_beyond_the_first(end) for end in (commands, answers))
        shell = ["/bin/bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", *words]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(shell, pass_fds=(commands, answers), stdin=quiet, stdout=quiet, stderr=quiet)
        os.close(commands)
        os.close(answers)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    _session = None

    def call(self, method, **parameters):
        """Ask, and wait for the answer."""
        self._counter += 1
        message = {"id": self._counter, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        return self._until(lambda answer: answer.get("id") == self._counter)

    def _until(self, is_it):
        end = time.monotonic() + _SECONDS
        while True:
            while b"\0" not in self._buffer:
                ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
                part = os.read(self._read, 1 << 20) if ready else b""
                assert part, "the browser does not answer"
                self._buffer += part
            text, _, self._buffer = self._buffer.partition(b"\0")
            answer = json.loads(text)
            assert "error" not in answer, answer
            self._note(answer)
            if is_it(answer):
                return answer.get("result")

    def _note(self, event):
        if event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.complaints.append(event["params"])
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])

    def open(self, url):
        """Load a page."""
        self.complaints, self.requests = [], []
        self.call("Page.navigate", url=url)
        end = time.monotonic() + _SECONDS
        while not self.value(f"location.href === {json.dumps(url)} && document.readyState === 'complete'"):
            assert time.monotonic() < end
            time.sleep(0.02)

    def value(self, expression):
        """Return the value of an expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def close(self):
        """End it."""
        self._session = None
        os.write(self._write, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

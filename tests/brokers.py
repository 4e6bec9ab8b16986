"""A real mosquitto for the suites, and a client of it that keeps what came."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from servers import free_port

CONFIG = """
listener {port} 127.0.0.1
allow_anonymous {anonymous}
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_inflight_messages 0
max_queued_messages 0
{more}
"""


class Mosquitto:
    """A broker with a configuration of its own; it can be killed and started again on its port."""

    def __init__(self, folder: Path, *, anonymous: bool = True, more: str = "") -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert program, "mosquitto is not installed: scripts/bootstrap test"
        self._program = program
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        folder.chmod(0o777)  # mosquitto started by root becomes its own user
        text = CONFIG.format(port=self.port, folder=folder, anonymous=str(anonymous).lower(), more=more)
        self._config.write_text(text)
        self._log = (folder / "mosquitto.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([self._program, "-c", str(self._config)], stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + 60
        while True:
            try:
                Reader(self.port, "probe", None).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "mosquitto did not start"
                assert self.process.poll() is None, "mosquitto ended"
                time.sleep(0.05)

    def stop(self, *, hard: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if hard else self.process.terminate)()
            self.process.wait(60)
            self.process = None

    def close(self) -> None:
        self.stop()
        self._log.close()


class Reader:
    """A client with a session that outlives its connections."""

    def __init__(self, port: int, name: str, topic: str | None, **credentials: str) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self._topic = topic
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        if credentials:
            self._client.username_pw_set(**credentials)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _, __, message: self.messages.append(message)
        self._client.reconnect_delay_set(1, 1)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600 if topic else 0
        self._client.connect("127.0.0.1", port, properties=properties, clean_start=False)
        if topic is not None:
            self._client.loop_start()
            assert self._ready.wait(10)

    def _connected(self, client: mqtt.Client, *_: Any) -> None:
        assert self._topic is not None
        client.subscribe(self._topic, options=SubscribeOptions(qos=1))

    @property
    def events(self) -> list[dict[str, Any]]:
        """What came, as CloudEvents."""
        return [json.loads(message.payload) for message in list(self.messages)]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

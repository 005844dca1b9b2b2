#!/usr/bin/python3
"""Follows a session of Krown live: watch.py SESSION_ID, with KROWN_URL and KROWN_TOKEN set."""

import asyncio
import base64
import json
import os
import sys

import websockets  # Debian: python3-websockets

URL = os.environ["KROWN_URL"].rstrip("/").replace("http", "ws", 1) + "/ws"
TOKEN = os.environ["KROWN_TOKEN"]

# Connecting again would change nothing.
FINAL_CLOSES = {4400, 4401, 4403}


async def watch(session_id):
    after = 0  # everything that the server still holds
    async for socket in websockets.connect(URL, max_size=1024 * 1024):
        try:
            await say(socket, {"type": "authenticate", "token": TOKEN, "protocol": 1})
            await say(socket, {"type": "subscribe_session", "sessionId": session_id, "after": after})
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "error":
                    sys.exit(f"refused: {message['code']}: {message['message']}")
                if message["type"] == "unsubscribed":
                    return
                after = message.get("seq", after)
                show(message)
        except websockets.ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in FINAL_CLOSES:
                sys.exit(f"closed: {closed.rcvd.code} {closed.rcvd.reason}")
            # Otherwise the loop connects again, each time after a longer wait, and goes on after `after`.


async def say(socket, message):
    await socket.send(json.dumps(message))


def show(message):
    kind = message["type"]
    if kind == "session_status":
        print(f"session is {message['session']['status']}")
    elif kind == "command_started":
        print(f"$ {message['command']['command']}")
    elif kind == "command_output":
        data = message["data"]
        text = base64.b64decode(data) if message["encoding"] == "base64" else data.encode()
        output = sys.stdout if message["stream"] == "stdout" else sys.stderr
        output.flush()
        output.buffer.write(text)
    elif kind == "command_finished":
        command = message["command"]
        print(f"{command['status']}, exit code {command['exitCode']}")
    elif kind == "gap":
        print("(some of it was missed)")
    sys.stdout.flush()


asyncio.run(watch(sys.argv[1]))

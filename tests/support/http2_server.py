"""A server's script that speaks HTTP/2 and nothing else, by the package h2: for `hostile`, with TLS or without."""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError
from support.hostile import Peer, Script


def http2_alone(*parts: bytes, content_type: str = "text/event-stream") -> Script:
    """Answer each request with the parts, a DATA frame each."""

    async def script(peer: Peer) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        await peer.send(connection.data_to_send())
        while data := await peer.read():
            try:
                events = connection.receive_data(data)
            except ProtocolError:
                await peer.send(connection.data_to_send())
                return
            for number in [one.stream_id for one in events if isinstance(one, RequestReceived)]:
                connection.send_headers(number, [(":status", "200"), ("content-type", content_type)])
                for part in parts:
                    connection.send_data(number, part)
                connection.end_stream(number)
            await peer.send(connection.data_to_send())

    return script

"""Work that goes on over one connection after another."""

from collections.abc import Callable

from novaflow.adapters.amqp.address import BrokerError
from novaflow.adapters.amqp.connection import Connection

Work = Callable[[Connection], None]
Rest = Callable[[BrokerError, int], None]


def run_reconnecting(url: str, name: str, work: Work, *, rest: Rest, is_over: Callable[[], bool]) -> None:
    """Do the work over a connection, and after any problem begin it again over the next, until it is over.

    ``rest`` says what is the matter and waits; it gets the problem, and how many there were since a connection last held.
    """
    attempt = 0
    while not is_over():
        try:
            connection = Connection.open(url, name=name)
            try:
                attempt = 0
                work(connection)
            finally:
                connection.close()
        except BrokerError as problem:
            attempt += 1
            rest(problem, attempt)

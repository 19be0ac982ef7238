"""What the publisher makes on a broker: the exchange, and the stream that keeps the events for late subscribers."""

import structlog

from novaflow.adapters.amqp.address import BrokerProblem, Trouble
from novaflow.adapters.amqp.link import Link
from novaflow.model.exchange import log_queue, unrouted_exchange

log = structlog.get_logger(__name__)

_LOG_ARGUMENTS = {
    "x-queue-type": "stream",
    "x-max-age": "30D",
    "x-max-length-bytes": 1_000_000_000,  # about a million events
    # A stream forgets by whole segments: RabbitMQ's own 500 MB would double what it keeps.
    "x-stream-max-segment-size-bytes": 50_000_000,
}


def declare_exchange(link: Link, exchange: str) -> None:
    """Make the exchange, or accept the one that is there if making is not permitted.

    Raises: BrokerProblem, if there is none, or one of another type.
    """
    try:
        with link.trial() as channel:
            channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    except BrokerProblem as refused:
        if refused.trouble is not Trouble.NOT_PERMITTED or not _is_there(link, exchange):
            raise


def _is_there(link: Link, exchange: str) -> bool:
    try:
        with link.trial() as channel:
            channel.exchange_declare(exchange, "topic", passive=True)
    except BrokerProblem:
        return False
    return True


def declare_log(link: Link, exchange: str) -> bool:
    """Make the stream and bind it; return whether every event has a queue to go to.

    A broker that has no streams, or does not permit one, still gets the events: only late subscribers go without.
    """
    queue, unrouted = log_queue(exchange), unrouted_exchange(exchange)
    try:
        with link.trial() as channel:
            channel.queue_declare(queue, durable=True, exclusive=False, auto_delete=False, arguments=_LOG_ARGUMENTS)
            channel.queue_bind(queue, exchange, routing_key="#")
            # Where a policy names it as the alternate exchange, the log has every event even if its binding is lost.
            channel.exchange_declare(unrouted, "fanout", durable=True, auto_delete=False)
            channel.queue_bind(queue, unrouted)
    except BrokerProblem as problem:
        if problem.trouble is Trouble.PASSING:
            raise
        log.warning("log.unavailable", queue=queue, because=problem.because, advice="late subscribers will miss what came before them")
        return False
    return True

"""What is read from the output of tempest's runner."""

from workflows.verify.tempest.results import Failure, Results

FIRST, SECOND = "req-dd1105bb-fdff-446c-94c9-0e20182ebe69", "req-a8240ce1-2153-440d-8de8-e74ab20ca1b9"
OUTPUT = f"""\
{{0}} tempest.api.one.Test.test_a [1.250000s] ... ok
{{1}} tempest.api.one.Test.test_b[id-1,smoke] [12.5s] ... FAILED

Captured traceback:
~~~~~~~~~~~~~~~~~~~
    Traceback (most recent call last):

      File "rest_client.py", line 882, in _error_checker
    raise exceptions.BadRequest(resp_body, resp=resp)

    tempest.lib.exceptions.BadRequest: Bad request
Details: {{'code': 400, 'message': 'not ready'}}

Captured pythonlogging:
~~~~~~~~~~~~~~~~~~~~~~~
        Body: None
    Response - Headers: {{'date': 'today', 'x-openstack-request-id': '{FIRST}', 'status': '200'}}
    Response - Headers: {{'x-compute-request-id': '{SECOND}', 'x-openstack-request-id': '{SECOND}', 'status': '400'}}
    Response - Headers: {{'x-openstack-request-id': '{FIRST}'}}
{{0}} tempest.api.two.Test.test_c ... SKIPPED: Neutron is not available
    Response - Headers: {{'x-openstack-request-id': 'req-00000000-0000-0000-0000-000000000000'}}
{{1}} setUpClass (tempest.api.three.Test) [0.000000s] ... FAILED
"""


def read(output: str) -> tuple[Results, list[str]]:
    """Return the results of an output, and the names of the tests in it."""
    results = Results()
    return results, [test for line in output.splitlines() if (test := results.read(line))]


def test_the_results_of_tests_are_counted() -> None:
    """The preparation of a class counts as a test, under its name."""
    results, names = read(OUTPUT)
    assert results.summary == "1 passed, 1 skipped, 2 failed"
    assert names == [
        "tempest.api.one.Test.test_a",
        "tempest.api.one.Test.test_b[id-1,smoke]",
        "tempest.api.two.Test.test_c",
        "setUpClass (tempest.api.three.Test)",
    ]


def test_a_failure_has_its_error_and_its_requests() -> None:
    """Each request once, in the order of their responses; those of another test are not its own."""
    failure = read(OUTPUT)[0].failures[0]
    assert failure.error == "tempest.lib.exceptions.BadRequest: Bad request, {'code': 400, 'message': 'not ready'}"
    assert failure.requests == [FIRST, SECOND]


def test_a_failure_may_have_no_error() -> None:
    """A worker that is killed prints none."""
    assert read(OUTPUT)[0].failures[1] == Failure("setUpClass (tempest.api.three.Test)", "no error was printed", [])


def test_other_lines_are_no_results() -> None:
    """Neither totals nor logs that mention a test."""
    assert read("Ran: 97 tests in 429.1895 sec.\n - Passed: 88\nFAILED\n")[0] == Results()

"""How tests of properties choose their examples."""

from hypothesis import HealthCheck, settings

# The same examples in each run, few enough for a quick test. A deadline would measure the machine; a fixture of the function
# is shared by all examples of a test.
EXAMPLES = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

"""The short form of the fault campaign."""

import pytest

from tests.cloud.stacks import Stack
from tests.faults.campaign import Campaign, is_survived, print_table, run_campaign

pytestmark = [pytest.mark.cloud, pytest.mark.stops_cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]


def test_a_cloud_recovers_from_faults_and_loses_nothing(stack: Stack) -> None:
    """Three services are killed at once, some are suspended, the supervisor is killed; the server runs and answers at the end."""

    def choose(campaign: Campaign) -> None:
        campaign.kill_three(3)
        campaign.suspend(1)
        campaign.kill_supervisor(1)
        campaign.kill("rabbitmq")
        campaign.kill("libvirtd")
        campaign.kill("mariadb")
        campaign.kill("ovs-vswitchd")

    rows, losses = run_campaign(stack, choose, seed=7)
    print_table(rows, losses)
    assert is_survived(rows, losses)

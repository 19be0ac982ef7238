"""nova-compute with nova's fake driver, changed so that its host and its servers survive a restart.

The driver is for nova's own tests: it invents a new id for its host in each process, which nova-compute then refuses as another
host's, and it forgets its servers. Runs as a program in the stack's environment, with the arguments of nova-compute and the name
and the id of the host in NOVAFLOW_HOST_NAME and NOVAFLOW_HOST_ID.
"""

import os
from typing import Any


def resume(driver: Any, context: object, instance: Any, network: object, _: object, devices: object = None) -> None:  # noqa: ANN401
    """Run a server again that ran when nova-compute ended."""
    driver.spawn(context, instance, instance.image_meta, None, None, None, network_info=network, block_device_info=devices)


def main() -> None:
    """Run nova-compute."""
    # Not at the top: only the stack's environment has them.
    from nova.cmd import compute  # noqa: PLC0415
    from nova.virt.fake import FakeDriver  # noqa: PLC0415
    from oslo_utils.fixture import uuidsentinel  # noqa: PLC0415

    name, host_id = os.environ["NOVAFLOW_HOST_NAME"], os.environ["NOVAFLOW_HOST_ID"]  # noqa: TID251 - a program of its own
    setattr(uuidsentinel, f"node_{name}", host_id)
    FakeDriver.resume_state_on_host_boot = resume
    compute.main()


if __name__ == "__main__":
    main()

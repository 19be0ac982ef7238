"""The process that forks nova's services."""

from workflows.services.oslo.forking import LOADED_LATER, ForkServer

# nova 34 runs on native threads only when this is set.
NATIVE_THREADS = {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"}
# numpy, which websockify imports, starts a thread for each processor; a process with threads cannot be forked safely.
NO_THREADS = {"OPENBLAS_NUM_THREADS": "1"}

# The managers of services and the driver of libvirt are not among them: they read options while they are imported.
FORK_SERVER = ForkServer(
    "nova",
    (
        "nova.cmd.compute",  # first: it prevents that others import eventlet
        "nova.cmd.conductor",
        "nova.cmd.novncproxy",
        "nova.cmd.scheduler",
        "nova.api.metadata.handler",
        "nova.api.openstack.compute.routes",
        "nova.api.openstack.wsgi_app",
        "nova.compute.resource_tracker",
        "nova.conductor.tasks.live_migrate",
        "nova.network.neutron",
        "nova.scheduler.host_manager",
        "nova.virt.block_device",
        "nova.virt.hardware",
        "vif_plug_ovs.ovs",
        *LOADED_LATER,
    ),
    env=lambda _: {**NATIVE_THREADS, **NO_THREADS},
)

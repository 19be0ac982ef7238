"""`verify --tempest`: runs tempest, the integration tests of OpenStack, against the stack."""

"""ec2-api: the EC2 API of Amazon on top of nova, neutron, glance and cinder."""

"""ec2_api."""

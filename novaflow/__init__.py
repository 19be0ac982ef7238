"""novaflow: workflows of steps and services on one machine, each change of state published to AMQP."""

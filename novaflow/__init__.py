"""novaflow: workflows of steps and services on one machine, each change of state told to AMQP."""

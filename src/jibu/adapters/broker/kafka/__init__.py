"""Apache Kafka through ``kafka-python``."""

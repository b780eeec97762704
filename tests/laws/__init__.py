"""Laws: what queueing theory and measurements say a simulation must give."""

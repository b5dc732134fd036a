"""One public class per job."""

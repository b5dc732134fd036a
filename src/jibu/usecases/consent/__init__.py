"""The consent building block: one public class per job."""

"""The web: it stores and shows. It starts without torch and names the workers' tasks by string."""

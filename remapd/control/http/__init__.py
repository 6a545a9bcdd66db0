"""REST, served by FastAPI and uvicorn in the control process's loop."""

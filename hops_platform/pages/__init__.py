from hops_platform.pages.routes import router, show_problem

__all__ = ["router", "show_problem"]

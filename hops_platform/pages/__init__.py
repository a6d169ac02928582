from hops_platform.pages.routes import router

__all__ = ["router"]

"""Pages of the room: routes in modules, templates beside them."""

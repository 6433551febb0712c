"""placeholder"""
async def furnish(layout, step):
    pass

"""``cryptobt cache``: what fitted folds are kept, and how to drop them."""

import click


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Show the fold cache (or clear it with `cryptobt cache clear`)."""
    if context.invoked_subcommand is None:
        context.invoke(show)


@cache.command()
def show() -> None:
    """Show where the fitted folds are, how many, and how large."""
    from cryptobt.jobs.cache import describe_cache

    found = describe_cache()
    click.echo(f"folder   {found.folder}")
    click.echo(f"entries  {found.entries}")
    click.echo(f"size     {found.size_bytes / 1e6:.1f} MB")


@cache.command()
def clear() -> None:
    """Remove every fitted fold; the next run fits them again."""
    from cryptobt.jobs.cache import clear_cache

    click.echo(f"removed {clear_cache()} entries")
